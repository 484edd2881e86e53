package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/wire"
)

// Request is a request that may be sent more than once: every sending has the same reply subject.
type Request struct {
	r        *Requester
	to       string
	number   uint64
	subject  string // of its replies: what is in text
	text     []byte
	replies  chan reply
	last     nats.Msg      // its last reply, if that came in a batch
	answered bool          // the caller has the last
	deadline atomic.Int64  // when its time is over, as the alarm has it; 0: it does not wait
	batcher  *Batcher      // with whom it travels to
	host     *host         // this host, when it is first sent; nil: alone
	batch    atomic.Uint64 // the batch that it was last sent in, or 0

	inflight   *inflight // nil without a receiver
	prev, next *Request

	sent    atomic.Pointer[string] // the subject that it was sent to last; nil before
	firstTo string                 // that of the first sending

	sendings, unheard int // of those, how many nobody has listened to
}

// reply is what a request comes to: neither a message nor an error when the Requester is closed.
type reply struct {
	msg *nats.Msg
	err error
}

// ErrAbandoned is the error of a request that waited for its reply when the Requester was closed: it was sent.
var ErrAbandoned = fmt.Errorf("the request waited for its reply: %w", nats.ErrConnectionClosed)

// Do sends msg, whose Reply it sets, and waits for a reply, to this sending or an earlier one, until ctx is done or the
// time is over. It returns nats.ErrNoResponders when nobody listens, context.DeadlineExceeded when the time is over,
// [ErrAbandoned] when the Requester is closed meanwhile, an error with [troupe.CodeDenied] when the server does not let
// it publish, or the error of ctx. A reply without headers is the last. What is in Reply, and the reply itself, may be
// used until End.
func (q *Request) Do(ctx context.Context, msg *nats.Msg, until time.Time) (*nats.Msg, error) {
	msg.Reply = q.subject
	if err := q.send(msg); err != nil {
		return nil, err
	}
	q.sendings++
	return q.Wait(ctx, until)
}

// Unheard reports whether nobody has listened to any of its sendings, as far as Do and Wait have returned.
func (q *Request) Unheard() bool { return q.unheard == q.sendings }

// send sends msg, the first time perhaps with others that are on their way to the same host.
func (q *Request) send(msg *nats.Msg) error {
	q.batch.Store(0)
	if h := q.host; h != nil {
		q.host = nil
		q.sent.Store(&h.batchSubject)
		return q.batcher.Add(h.batchSubject, msg, true, &q.batch)
	}
	if q.sent.Load() == nil {
		q.firstTo = msg.Subject
		q.sent.Store(&q.firstTo)
	} else {
		q.r.forgetHost(q)
		subject := msg.Subject // the caller may change it before it sends again
		q.sent.Store(&subject)
	}
	return q.r.nc.PublishMsg(msg)
}

// Wait is Do without sending anything.
func (q *Request) Wait(ctx context.Context, until time.Time) (*nats.Msg, error) {
	q.r.setDeadline(q, until)
	defer q.deadline.Store(0)
	var got reply
	if done := ctx.Done(); done == nil {
		got = <-q.replies // which costs a third of a select
	} else {
		select {
		case got = <-q.replies:
		case <-done:
			return nil, ctx.Err()
		}
	}
	switch {
	case got.err != nil:
	case got.msg == nil:
		got.err = ErrAbandoned
	default:
		q.answered = isLast(got.msg)
		got.err = wire.NoResponders(got.msg)
	}
	if errors.Is(got.err, nats.ErrNoResponders) {
		q.unheard++
	}
	return got.msg, got.err
}

// End gives up on replies. The request must not be used any more.
func (q *Request) End() {
	if !q.answered && !q.r.giveUp(q) {
		return // something is on its way to it, which must not reach another
	}
	q.batch.Store(0)
	q.batcher, q.host = nil, nil
	q.sent.Store(nil) // no denial is for the next one
	q.last, q.answered = nats.Msg{}, false
	q.sendings, q.unheard = 0, 0
	for len(q.replies) > 0 {
		<-q.replies
	}
	q.r.free.Put(q)
}

// isLast tells whether a request has come to its end with this reply: so it is with all that have no headers.
func isLast(reply *nats.Msg) bool { return reply.Header == nil }

// offer has a request get a reply. The caller holds r.mu, or the request waits no more.
func (q *Request) offer(r reply) {
	select {
	case q.replies <- r:
	default: // it has more replies than it can use
	}
}

package rpc

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// Request is a request that may be sent more than once. All its attempts share one reply subject.
type Request struct {
	r        *Requester
	to       string
	number   uint64
	subject  string // of its replies; shares the memory of text
	text     []byte
	replies  chan reply
	last     nats.Msg         // its final reply, if that came in a batch
	single   wire.NATSMessage // an attempt that travels alone
	answered bool             // the caller has the final reply
	deadline atomic.Int64     // in the time of deadlines; 0: it does not wait
	batcher  *Batcher         // for the first attempt, with host
	host     *host            // where the first attempt goes as part of a batch; nil: alone
	batch    atomic.Uint64    // the batch of its last attempt, or 0

	inflight   *inflight // nil without a receiver
	prev, next *Request

	sent    atomic.Pointer[string] // the subject of the last attempt; nil before the first
	firstTo string                 // the subject of the first attempt

	sendings, unheard int // attempts, and those that got "no responders"
}

// reply is how an attempt ends. It has neither a message nor an error when the Requester is closed.
type reply struct {
	msg *nats.Msg
	err error
}

// ErrAbandoned is the error of a request that was sent and waited for its reply when the Requester, or its connection, was
// closed. It comes with a nats.ErrConnectionClosed.
var ErrAbandoned = errors.New("the request waited for its reply")

// Do sends msg, whose Reply it sets, and waits for a reply to this or an earlier attempt. Errors: nats.ErrNoResponders
// when nobody listens, context.DeadlineExceeded when until has passed, [ErrAbandoned] when the Requester or the connection
// is closed meanwhile, a nats.ErrConnectionClosed alone when it was before, an error with [troupe.CodeDenied] when the
// server does not allow the publish, or the error of ctx. A reply without headers is the final one. The reply, and the
// text in msg.Reply, may be used until End.
func (q *Request) Do(ctx context.Context, msg *wire.Message, until time.Time) (*nats.Msg, error) {
	msg.Reply = q.subject
	if err := q.send(msg); err != nil {
		return nil, link.Reason(q.r.nc, err)
	}
	q.sendings++
	return q.Wait(ctx, until)
}

// Name puts the reply subject of the request into [wire.HeaderCall] of a message, for servers that change reply subjects.
// The request then travels alone, so that the reply can tell whether they do.
func (q *Request) Name(msg *wire.Message) {
	msg.Header = msg.Header.With(wire.HeaderCall, q.subject)
	q.host = nil
}

// Tell sends an empty message, with the name of the request, after what was sent before. Nobody waits for a reply to it.
func (q *Request) Tell(subject string) error {
	if q.batch.Load() != 0 {
		q.batcher.Flush()
	}
	msg := wire.Message{Subject: subject, Reply: q.subject}
	q.Name(&msg)
	return q.r.nc.PublishMsg(msg.NATS(&q.single))
}

// Unheard reports whether nobody listened to any attempt, as far as Do and Wait have returned.
func (q *Request) Unheard() bool { return q.unheard == q.sendings }

// send sends msg. The first attempt may travel in a batch to the host of the receiver.
func (q *Request) send(msg *wire.Message) error {
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
		subject := msg.Subject // the caller may change msg before the next attempt
		q.sent.Store(&subject)
	}
	return q.r.nc.PublishMsg(msg.NATS(&q.single))
}

// Wait is Do without sending anything.
func (q *Request) Wait(ctx context.Context, until time.Time) (*nats.Msg, error) {
	q.r.setDeadline(q, until)
	defer q.deadline.Store(0)
	var got reply
	if done := ctx.Done(); done == nil {
		got = <-q.replies // costs a third of a select
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
		got.err = q.r.abandoned()
	default:
		q.answered = isLast(got.msg)
		got.err = wire.NoResponders(got.msg)
	}
	if errors.Is(got.err, nats.ErrNoResponders) {
		q.unheard++
	}
	return got.msg, got.err
}

// End stops waiting for replies. The request must not be used afterwards.
func (q *Request) End() {
	if !q.answered && !q.r.giveUp(q) {
		return // a reply is on its way; reusing the request would give it to another caller
	}
	q.batch.Store(0)
	q.batcher, q.host = nil, nil
	q.sent.Store(nil) // a denial must not reach the next user
	q.last, q.answered = nats.Msg{}, false
	q.sendings, q.unheard = 0, 0
	for len(q.replies) > 0 {
		<-q.replies
	}
	q.r.free.Put(q)
}

// isLast reports whether a reply is final: every reply without headers is.
func isLast(reply *nats.Msg) bool { return reply.Header == nil }

// offer gives a request a reply, if it has room for one. The caller holds r.mu, or the request does not wait any more.
func (q *Request) offer(r reply) {
	select {
	case q.replies <- r:
	default: // it has more replies than it needs
	}
}

package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Requester makes requests over one connection, as nats.Conn.Request does, at a lower cost: one subscription receives
// the replies to all of them, several in one message if they come from one host, and a request allocates little. The
// reply subject of a request is its [wire.RequestID]. It is safe for concurrent use.
type Requester struct {
	nc            *nats.Conn
	sub           *nats.Subscription
	name          string    // what the subjects of all replies begin with
	stopListening func()    // ends hearing of what the server refuses
	free          sync.Pool // requests that have ended; not shared, for they belong to one synctest bubble

	batch    []nats.Msg // of replies, which deliver is about to hand on
	answered []*Request // by it

	mu            sync.Mutex
	last          uint64
	waiting       map[uint64]*Request  // by number; nil once closed
	inflight      map[string]*inflight // by receiver
	hosts         map[string]*host     // by id: those that have told which receivers they have
	keptReceivers int                  // as they were gone through last
	deadlines     deadlines
	batcher       *Batcher // nil: every request travels alone
	batchSubject  func(host string) string
}

// maxReplies is how many replies to one request are kept: each sending may get one.
const maxReplies = 4

// Replies wait here only until the goroutine of the subscription has found the request that they answer.
const maxPendingReplies, maxPendingReplyBytes = 1 << 20, 1 << 30

// NewRequester subscribes to an inbox of the connection, and puts a handler before that of its errors. The error has
// [troupe.CodeDenied] when the server does not let it subscribe.
func NewRequester(nc *nats.Conn) (*Requester, error) {
	r := &Requester{
		nc: nc, name: wire.CallerName(nc.NewInbox()),
		waiting: make(map[uint64]*Request), inflight: make(map[string]*inflight), hosts: make(map[string]*host),
	}
	r.deadlines.began = time.Now()
	r.deadlines.next.Store(never)
	guard := GuardSubscription(nc, r.name+">")
	defer guard.End()
	sub, err := nc.Subscribe(r.name+">", r.deliver)
	if err != nil {
		return nil, fmt.Errorf("subscribing to replies: %w", err)
	}
	r.sub, r.stopListening = sub, denialsOf(nc).listen(r.refuse)
	if err := sub.SetPendingLimits(maxPendingReplies, maxPendingReplyBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribing to replies: %w", err), r.Close())
	}
	if !nc.IsConnected() {
		return r, nil // nats.go subscribes when it is
	}
	if err := guard.Flush(wire.DefaultTimeout); errors.Is(err, troupe.ErrDenied) {
		return nil, errors.Join(fmt.Errorf("subscribing to replies: %w", err), r.Close())
	}
	return r, nil
}

// Do sends msg once and waits for its reply, for as long as the timeout: see [Request.Do].
func (r *Requester) Do(ctx context.Context, msg *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	now := time.Now()
	q, err := r.Begin("", now)
	if err != nil {
		return nil, err
	}
	defer q.End()
	reply, err := q.Do(ctx, msg, now.Add(timeout))
	if err != nil {
		return nil, err
	}
	kept := *reply
	return &kept, nil
}

// Begin makes a request to a receiver that tells requests apart by their RequestID, for who has just looked at the time.
// Nothing is sent yet. Callers must End it. The error is nats.ErrConnectionClosed once the Requester is closed.
func (r *Requester) Begin(to string, now time.Time) (*Request, error) {
	q, ok := r.free.Get().(*Request)
	if !ok {
		q = &Request{r: r, replies: make(chan reply, maxReplies)}
	}
	floor, ok := r.begin(q, to, now)
	if !ok {
		return nil, nats.ErrConnectionClosed
	}
	q.text = wire.AppendReply(q.text[:0], r.name, q.number, floor)
	q.subject = unsafe.String(unsafe.SliceData(q.text), len(q.text)) // of which a publish makes a copy
	return q, nil
}

// begin numbers a request, and returns the lowest number of those to its receiver.
func (r *Requester) begin(q *Request, to string, now time.Time) (floor uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		return 0, false
	}
	r.last++
	q.number, q.to = r.last, to
	r.waiting[q.number] = q
	if to == "" {
		return q.number, true
	}
	l := r.addInflight(q)
	q.batcher, q.host = r.coalesce(l, now)
	return l.first.number, true
}

// giveUp ends the waiting of a request, and reports whether it has waited.
func (r *Requester) giveUp(q *Request) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[q.number] != q {
		return false
	}
	r.remove(q)
	return true
}

// remove has nothing reach a request any more. The caller holds r.mu.
func (r *Requester) remove(q *Request) {
	delete(r.waiting, q.number)
	if q.inflight != nil {
		r.removeInflight(q)
	}
}

// Waiting is the number of requests that have neither ended nor got their last reply.
func (r *Requester) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// Close ends the subscription; requests that wait return [ErrAbandoned].
func (r *Requester) Close() error {
	r.stopListening()
	r.mu.Lock()
	for _, q := range r.waiting {
		close(q.replies)
	}
	r.waiting = nil
	if r.deadlines.timer != nil {
		r.deadlines.timer.Stop()
	}
	r.mu.Unlock()
	if err := r.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("unsubscribing from replies: %w", err)
	}
	return nil
}

// deliver takes what comes to the inbox: a reply, several, or word of a batch that nobody listened to.
func (r *Requester) deliver(msg *nats.Msg) {
	subject := msg.Subject[len(r.name):]
	if host, ok := wire.RepliesFrom(subject); ok {
		r.deliverBatch(host, msg.Data)
		return
	}
	if batch, ok := wire.BatchAnswered(subject); ok {
		if wire.NoResponders(msg) != nil {
			r.failBatch(batch, nats.ErrNoResponders)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.find(subject); q != nil {
		if isLast(msg) {
			r.remove(q)
		}
		q.offer(reply{msg: msg})
	}
}

// deliverBatch hands the replies of a host to the requests that wait for them. Those who have got their last want the
// lock next, for another request: they get it after all are found, and a request takes the lock no second time.
func (r *Requester) deliverBatch(from string, batch []byte) {
	replies, err := wire.ParseBatch(r.batch, batch)
	if err != nil {
		return // not from a host
	}
	r.batch = replies
	host, now := r.host(from), time.Now()
	r.mu.Lock()
	for i := range replies {
		msg := &replies[i]
		q := r.find(msg.Subject)
		if q == nil {
			continue
		}
		if host != nil && q.inflight != nil {
			q.inflight.host, q.inflight.hostSeen = host, now
		}
		if isLast(msg) {
			r.remove(q)
			q.last = *msg
			r.answered = append(r.answered, q)
		} else {
			kept := *msg
			q.offer(reply{msg: &kept})
		}
	}
	r.mu.Unlock()
	for _, q := range r.answered {
		q.offer(reply{msg: &q.last})
	}
	clear(replies)
	clear(r.answered)
	r.answered = r.answered[:0]
}

// find returns the request that waits for the reply with this subject, if one does and can take it. The caller holds r.mu.
func (r *Requester) find(subject string) *Request {
	number, ok := wire.ReplyTo(subject)
	if !ok {
		return nil // not a reply to anything of ours
	}
	q := r.waiting[number]
	if q == nil || len(q.replies) == maxReplies {
		return nil
	}
	return q
}

// refuse fails the requests that were last sent to a subject that the server does not let anybody here publish to. Those
// that were in a batch can still go alone.
func (r *Requester) refuse(d denial) (handled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.waiting {
		sent := q.sent.Load()
		switch {
		case !d.publish || sent == nil || *sent != d.subject:
			continue
		case q.batch.Load() != 0:
			r.batcher = nil
			q.offer(reply{err: nats.ErrNoResponders})
		default:
			q.offer(reply{err: d.err})
		}
		handled = true
	}
	return handled
}

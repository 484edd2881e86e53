package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// Requester makes requests over one connection, like nats.Conn.Request at a lower cost. One subscription receives the
// replies to all of them, several in one message if they come from one host, and a request allocates little. The reply
// subject of a request is its [wire.RequestID]. A Requester is safe for concurrent use.
type Requester struct {
	nc           *nats.Conn
	sub          *nats.Subscription
	name         string // the prefix of all reply subjects
	denials      *link.Denials
	stopWatching func()    // for the end of the connection
	free         sync.Pool // requests to reuse; not a package variable, since they belong to one synctest bubble

	batch    []wire.Message // scratch of deliver: the replies in a batch
	answered []*Request     // scratch of deliver: the requests that they end

	mu            sync.Mutex
	last          uint64
	waiting       map[uint64]*Request  // by number; nil once it has ended
	ended         error                // why
	inflight      map[string]*inflight // by receiver
	hosts         map[string]*host     // by id: those that have sent batches of replies
	keptReceivers int                  // how many receivers the last cleanup kept
	deadlines     deadlines
	batcher       *Batcher // nil: every request travels alone
	batchSubject  func(host string) string
}

// maxReplies is how many replies to one request are kept: each attempt may get one.
const maxReplies = 4

// Replies wait in the subscription only until its goroutine has found their request.
const maxPendingReplies, maxPendingReplyBytes = 1 << 20, 1 << 30

// NewRequester subscribes to an inbox of the connection, and puts an error handler before the connection's. The error
// has [troupe.CodeDenied] when the server does not allow the subscription, and [troupe.CodeBadInput] when the connection's
// prefix of inboxes is too long.
func NewRequester(nc *nats.Conn) (*Requester, error) {
	inbox := nc.NewInbox()
	if len(inbox) > wire.MaxInbox {
		return nil, &troupe.Error{Code: troupe.CodeBadInput, Message: fmt.Sprintf(
			"the inboxes of the NATS connection have %d bytes, at most %d are allowed: choose a shorter prefix", len(inbox), wire.MaxInbox)}
	}
	r := &Requester{
		nc: nc, name: wire.CallerName(inbox),
		waiting: make(map[uint64]*Request), inflight: make(map[string]*inflight), hosts: make(map[string]*host),
	}
	r.deadlines.began = time.Now()
	r.deadlines.next.Store(never)
	guard := link.GuardSubscription(context.Background(), nc, r.name+">")
	defer guard.End()
	sub, err := nc.Subscribe(r.name+">", r.deliver)
	if err != nil {
		return nil, fmt.Errorf("subscribing to replies: %w", err)
	}
	r.sub, r.denials, r.stopWatching = sub, link.Listen(nc, r.refuse), link.WhenClosed(nc, r.end)
	if err := sub.SetPendingLimits(maxPendingReplies, maxPendingReplyBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribing to replies: %w", err), r.Close())
	}
	if !nc.IsConnected() {
		return r, nil // nats.go subscribes once it is connected
	}
	if err := guard.Flush(wire.DefaultTimeout); link.IsRefusal(err) {
		return nil, errors.Join(fmt.Errorf("subscribing to replies: %w", err), r.Close())
	}
	return r, nil
}

// Do sends msg once and waits for its reply, at most for the timeout: see [Request.Do].
func (r *Requester) Do(ctx context.Context, msg *wire.Message, timeout time.Duration) (*nats.Msg, error) {
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

// Begin makes a request, and sends nothing yet. Callers must End it. The receiver is an actor, which identifies
// requests by their RequestID; it may be empty. Now is the current time. The error is a nats.ErrConnectionClosed once the
// Requester, or its connection, is closed, and has [troupe.CodeDenied] while the server does not allow the connection to hear
// replies.
func (r *Requester) Begin(to string, now time.Time) (*Request, error) {
	q, ok := r.free.Get().(*Request)
	if !ok {
		q = &Request{r: r, replies: make(chan reply, maxReplies)}
	}
	floor, err := r.begin(q, to, now)
	if err != nil {
		return nil, err
	}
	q.text = wire.AppendReply(q.text[:0], r.name, q.number, floor)
	q.subject = unsafe.String(unsafe.SliceData(q.text), len(q.text)) // a publish copies it
	return q, nil
}

// begin gives a request its number, and returns the lowest number in flight to its receiver.
func (r *Requester) begin(q *Request, to string, now time.Time) (floor uint64, err error) {
	if deaf := r.denials.Deaf(); deaf != nil {
		return 0, deaf
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		return 0, r.ended
	}
	r.last++
	q.number, q.to = r.last, to
	r.waiting[q.number] = q
	if to == "" {
		return q.number, nil
	}
	l := r.addInflight(q)
	q.batcher, q.host = r.coalesce(l, now)
	return l.first.number, nil
}

// giveUp stops a request from getting replies. It reports whether it could still get any.
func (r *Requester) giveUp(q *Request) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[q.number] != q {
		return false
	}
	r.remove(q)
	return true
}

// remove makes sure that nothing reaches a request any more. The caller holds r.mu.
func (r *Requester) remove(q *Request) {
	delete(r.waiting, q.number)
	if q.inflight != nil {
		r.removeInflight(q)
	}
}

// Waiting is the number of requests that have neither ended nor got their final reply.
func (r *Requester) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// end fails the requests that wait, and all later ones.
func (r *Requester) end(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		return
	}
	for _, q := range r.waiting {
		close(q.replies)
	}
	r.waiting, r.ended = nil, why
	if r.deadlines.timer != nil {
		r.deadlines.timer.Stop()
	}
}

// abandoned is the error of a request that waited when the Requester ended.
func (r *Requester) abandoned() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Errorf("%w: %w", ErrAbandoned, r.ended)
}

// Close ends the subscription. Waiting requests return [ErrAbandoned].
func (r *Requester) Close() error {
	r.denials.Stop()
	r.stopWatching()
	r.end(nats.ErrConnectionClosed)
	if err := r.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("unsubscribing from replies: %w", err)
	}
	return nil
}

// deliver handles a message to the inbox: a reply, a batch of replies, or the news that nobody listened to a batch.
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

// deliverBatch gives the replies of a host to the requests that wait for them. A caller that gets its final reply soon
// takes r.mu for its next request. So all requests are found under one lock first, and only then woken.
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
		if len(msg.Header) == 0 { // see isLast
			r.remove(q)
			q.last = nats.Msg{Subject: msg.Subject, Reply: msg.Reply, Data: msg.Data}
			r.answered = append(r.answered, q)
		} else {
			q.offer(reply{msg: msg.NATS(nil)})
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

// find returns the request that waits for the reply with this subject, if there is one with room for it. The caller
// holds r.mu.
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

// refuse fails the requests whose last attempt went to a subject that this user may not publish to. Requests that
// travelled in a batch may be resent alone.
func (r *Requester) refuse(d link.Denial) (handled bool) {
	if d.Publish && strings.HasSuffix(d.Subject, "."+wire.CancelAction) {
		return true // nobody waits for it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !d.Publish && d.Subject == r.name+">" {
		for _, q := range r.waiting {
			q.offer(reply{err: link.Unheard(ErrAbandoned, d.Err)})
		}
		return false
	}
	for _, q := range r.waiting {
		sent := q.sent.Load()
		switch {
		case !d.Publish || sent == nil || *sent != d.Subject:
			continue
		case q.batch.Load() != 0:
			r.batcher = nil
			q.offer(reply{err: nats.ErrNoResponders})
		default:
			q.offer(reply{err: d.Err})
		}
		handled = true
	}
	return handled
}

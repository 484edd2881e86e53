package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// Requester makes requests over one connection, as nats.Conn.Request does, at a lower cost: one subscription receives
// the replies to all of them, and a request allocates little. The reply subject of a request is its [RequestID]. It is
// safe for concurrent use.
type Requester struct {
	nc     *nats.Conn
	sub    *nats.Subscription
	prefix string    // of the subjects of replies
	deaf   func()    // ends hearing of what the server refuses
	spare  sync.Pool // requests that have ended; not shared, for they belong to one synctest bubble

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]*Request // by number; nil once closed
	lanes   map[string]*lane    // by receiver
	empty   *lane               // one that is not in use
}

// Request is a request that may be sent more than once: every sending has the same reply subject.
type Request struct {
	r       *Requester
	to      string
	number  uint64
	subject string // of its replies
	replies chan reply
	timer   *time.Timer // nil until it is needed

	prev, next *Request // in its lane

	mu   sync.Mutex
	sent string // the subject that it was sent to last
}

// reply is what a request comes to: neither a message nor an error when the Requester is closed.
type reply struct {
	msg *nats.Msg
	err error
}

// ErrAbandoned is the error of a request that waited for its reply when the Requester was closed: it was sent.
var ErrAbandoned = fmt.Errorf("the request waited for its reply: %w", nats.ErrConnectionClosed)

// lane holds the requests to one receiver that have not ended, by their numbers.
type lane struct{ first, last *Request }

// maxReplies is how many replies to one request are kept: each sending may get one.
const maxReplies = 4

// Replies wait here only until the goroutine of the subscription has found the request that they answer.
const maxPendingReplies, maxPendingReplyBytes = 1 << 20, 1 << 30

// NewRequester subscribes to an inbox of the connection, and puts a handler before that of its errors. The error has
// [troupe.CodeDenied] when the server does not let it subscribe.
func NewRequester(nc *nats.Conn) (*Requester, error) {
	r := &Requester{
		nc: nc, prefix: nc.NewInbox() + requestIDMark,
		waiting: make(map[uint64]*Request), lanes: make(map[string]*lane),
	}
	guard := GuardSubscription(nc, r.prefix+">")
	defer guard.End()
	sub, err := nc.Subscribe(r.prefix+">", r.deliver)
	if err != nil {
		return nil, fmt.Errorf("subscribing to replies: %w", err)
	}
	r.sub, r.deaf = sub, denialsOf(nc).listen(r.refuse)
	if err := sub.SetPendingLimits(maxPendingReplies, maxPendingReplyBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribing to replies: %w", err), r.Close())
	}
	if !nc.IsConnected() {
		return r, nil // nats.go subscribes when it is
	}
	if err := guard.Flush(DefaultTimeout); errors.Is(err, troupe.ErrDenied) {
		return nil, errors.Join(fmt.Errorf("subscribing to replies: %w", err), r.Close())
	}
	return r, nil
}

// Do sends msg once and waits for its reply: see [Request.Do].
func (r *Requester) Do(ctx context.Context, msg *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	q, err := r.Begin("")
	if err != nil {
		return nil, err
	}
	defer q.End()
	return q.Do(ctx, msg, timeout)
}

// Begin makes a request to a receiver that tells requests apart by their RequestID. Nothing is sent yet. Callers must
// End it. The error is nats.ErrConnectionClosed once the Requester is closed.
func (r *Requester) Begin(to string) (*Request, error) {
	q, ok := r.spare.Get().(*Request)
	if !ok {
		q = &Request{r: r, replies: make(chan reply, maxReplies)}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		return nil, nats.ErrConnectionClosed
	}
	r.last++
	q.number, q.to = r.last, to
	r.waiting[q.number] = q
	floor := q.number
	if to != "" {
		floor = r.enter(q)
	}
	text := make([]byte, 0, len(r.prefix)+16)
	text = strconv.AppendUint(append(text, r.prefix...), q.number, 36)
	q.subject = string(strconv.AppendUint(append(text, '.'), floor, 36))
	return q, nil
}

// enter puts a request into the lane of its receiver and returns the lowest number there. The caller holds r.mu.
func (r *Requester) enter(q *Request) (floor uint64) {
	l := r.lanes[q.to]
	if l == nil {
		if l, r.empty = r.empty, nil; l == nil {
			l = new(lane)
		}
		r.lanes[q.to] = l
	}
	if q.prev = l.last; q.prev == nil {
		l.first = q
	} else {
		q.prev.next = q
	}
	l.last = q
	return l.first.number
}

// leave takes a request out of its lane. The caller holds r.mu.
func (r *Requester) leave(q *Request) {
	l := r.lanes[q.to]
	if q.prev == nil {
		l.first = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next == nil {
		l.last = q.prev
	} else {
		q.next.prev = q.prev
	}
	q.prev, q.next = nil, nil
	if l.first == nil {
		delete(r.lanes, q.to)
		r.empty = l
	}
}

// Do sends msg, whose Reply it sets, and waits for a reply, to this sending or an earlier one, until ctx is done or for
// as long as the timeout. It returns nats.ErrNoResponders when nobody listens, context.DeadlineExceeded after the
// timeout, [ErrAbandoned] when the Requester is closed meanwhile, an error with [troupe.CodeDenied] when the server does
// not let it publish, or the error of ctx.
func (q *Request) Do(ctx context.Context, msg *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	msg.Reply = q.subject
	q.sentTo(msg.Subject)
	if err := q.r.nc.PublishMsg(msg); err != nil {
		return nil, err
	}
	return q.Wait(ctx, timeout)
}

// Wait is Do without sending anything.
func (q *Request) Wait(ctx context.Context, timeout time.Duration) (*nats.Msg, error) {
	if q.timer == nil {
		q.timer = time.NewTimer(timeout)
	} else {
		q.timer.Reset(timeout)
	}
	defer q.timer.Stop()
	select {
	case r := <-q.replies:
		switch {
		case r.err != nil:
			return nil, r.err
		case r.msg == nil:
			return nil, ErrAbandoned
		}
		return r.msg, noResponders(r.msg)
	case <-q.timer.C:
		return nil, context.DeadlineExceeded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// End gives up on replies. The request must not be used any more.
func (q *Request) End() {
	r := q.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		return
	}
	delete(r.waiting, q.number)
	if q.to != "" {
		r.leave(q)
	}
	q.sentTo("") // no denial is for the next one
	for len(q.replies) > 0 {
		<-q.replies
	}
	r.spare.Put(q)
}

// Waiting is the number of requests that have not ended.
func (r *Requester) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// Close ends the subscription; requests that wait return [ErrAbandoned].
func (r *Requester) Close() error {
	r.deaf()
	r.mu.Lock()
	for _, q := range r.waiting {
		close(q.replies)
	}
	r.waiting = nil
	r.mu.Unlock()
	if err := r.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("unsubscribing from replies: %w", err)
	}
	return nil
}

func (r *Requester) deliver(msg *nats.Msg) {
	token, _, _ := strings.Cut(strings.TrimPrefix(msg.Subject, r.prefix), ".")
	number, err := strconv.ParseUint(token, 36, 64)
	if err != nil {
		return // not a reply to anything of ours
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.waiting[number]; q != nil {
		q.take(reply{msg: msg})
	}
}

// refuse fails the requests that were last sent to a subject that the server does not let anybody here publish to.
func (r *Requester) refuse(d denial) (told bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.waiting {
		q.mu.Lock()
		concerned := d.publish && q.sent == d.subject
		q.mu.Unlock()
		if concerned {
			q.take(reply{err: d.err})
			told = true
		}
	}
	return told
}

func (q *Request) sentTo(subject string) {
	q.mu.Lock()
	q.sent = subject
	q.mu.Unlock()
}

func (q *Request) take(r reply) {
	select {
	case q.replies <- r:
	default: // it has more replies than it can use
	}
}

// noResponders recognises the server's answer to a request whose subject nobody listens to.
func noResponders(msg *nats.Msg) error {
	if len(msg.Data) == 0 && first(msg.Header, "Status") == "503" {
		return nats.ErrNoResponders
	}
	return nil
}

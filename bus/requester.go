package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Requester makes requests over one connection, as nats.Conn.Request does, at a lower cost: one subscription receives
// the replies to all of them, and a request allocates little. It is safe for concurrent use.
type Requester struct {
	nc     *nats.Conn
	sub    *nats.Subscription
	prefix string
	spare  sync.Pool // waiters of finished requests; not shared, for they belong to one synctest bubble

	mu      sync.Mutex
	last    uint64
	waiting map[string]*waiter // by reply subject; nil once closed
}

// waiter is one request that waits for its reply.
type waiter struct {
	reply chan *nats.Msg // for one message
	timer *time.Timer    // nil until a request needs one
}

// Replies wait here only until the goroutine of the subscription has found the request that they answer.
const maxPendingReplies, maxPendingReplyBytes = 1 << 20, 1 << 30

// NewRequester subscribes to an inbox of the connection.
func NewRequester(nc *nats.Conn) (*Requester, error) {
	r := &Requester{nc: nc, prefix: nc.NewInbox() + ".", waiting: make(map[string]*waiter)}
	sub, err := nc.Subscribe(r.prefix+"*", r.deliver)
	if err != nil {
		return nil, fmt.Errorf("subscribing to replies: %w", err)
	}
	r.sub = sub
	if err := sub.SetPendingLimits(maxPendingReplies, maxPendingReplyBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribing to replies: %w", err), r.Close())
	}
	return r, nil
}

// Do sends request, whose Reply it sets, and waits for the reply until ctx is done, or for as long as the timeout when
// ctx has no deadline: a request costs no context. It returns nats.ErrNoResponders when nobody listens,
// context.DeadlineExceeded, or the error of ctx.
func (r *Requester) Do(ctx context.Context, request *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	w, ok := r.spare.Get().(*waiter)
	if !ok {
		w = &waiter{reply: make(chan *nats.Msg, 1)}
	}
	var expired <-chan time.Time
	if _, ok := ctx.Deadline(); !ok {
		expired = w.start(timeout)
	}
	r.mu.Lock()
	if r.waiting == nil {
		r.mu.Unlock()
		return nil, nats.ErrConnectionClosed
	}
	r.last++
	request.Reply = r.prefix + strconv.FormatUint(r.last, 36)
	r.waiting[request.Reply] = w
	r.mu.Unlock()

	if err := r.nc.PublishMsg(request); err != nil {
		r.forget(request.Reply, w)
		return nil, err
	}
	select {
	case msg := <-w.reply:
		if msg == nil {
			return nil, nats.ErrConnectionClosed
		}
		w.stop()
		r.spare.Put(w)
		return msg, noResponders(msg)
	case <-expired:
		r.forget(request.Reply, w)
		return nil, context.DeadlineExceeded
	case <-ctx.Done():
		r.forget(request.Reply, w)
		return nil, ctx.Err()
	}
}

func (w *waiter) start(timeout time.Duration) <-chan time.Time {
	if w.timer == nil {
		w.timer = time.NewTimer(timeout)
	} else {
		w.timer.Reset(timeout)
	}
	return w.timer.C
}

func (w *waiter) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// Waiting is the number of requests that wait for a reply.
func (r *Requester) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// Close ends the subscription; requests that wait return nats.ErrConnectionClosed.
func (r *Requester) Close() error {
	r.mu.Lock()
	for _, w := range r.waiting {
		close(w.reply)
	}
	r.waiting = nil
	r.mu.Unlock()
	if err := r.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("unsubscribing from replies: %w", err)
	}
	return nil
}

func (r *Requester) deliver(msg *nats.Msg) {
	r.mu.Lock()
	w := r.waiting[msg.Subject]
	delete(r.waiting, msg.Subject)
	r.mu.Unlock()
	if w != nil {
		w.reply <- msg // never blocks: one message for each waiter
	}
}

// forget gives up on a reply. A waiter that gets one at this moment is not used again.
func (r *Requester) forget(subject string, w *waiter) {
	w.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[subject] == w {
		delete(r.waiting, subject)
		r.spare.Put(w)
	}
}

// noResponders recognises the server's answer to a request whose subject nobody listens to.
func noResponders(msg *nats.Msg) error {
	if len(msg.Data) == 0 && first(msg.Header, "Status") == "503" {
		return nats.ErrNoResponders
	}
	return nil
}

package actorhost

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
)

// eventLog is the log of durable events, which is opened when somebody needs it.
type eventLog struct {
	mu  sync.Mutex
	log *bus.Log
}

func (l *eventLog) open(ctx context.Context, h *Host) (*bus.Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.log == nil {
		log, err := bus.OpenLog(ctx, h.nc, h.ns, h.config.Replicas, h.config.KeepEvents)
		if err != nil {
			return nil, err
		}
		l.log = log
	}
	return l.log, nil
}

// waker tells actors that there is something new for their durable subscriptions. All hosts that serve durable
// subscribers share the work: each event in the log goes to one of them, which looks up whom it is for and calls them. It
// is done with an event when all of them have stored what they have made of it.
//
// A notice only says how far the log has come: the subscriber reads for itself what it has not handled, from the place
// that is stored with its state. So a notice may come late, twice or out of order, and a later one makes up for one that
// has failed.
type waker struct {
	h     *Host
	log   *bus.Log
	index *bus.Subscriptions
	feed  *bus.Feed
	ended chan struct{}

	mu      sync.Mutex
	trouble map[subscriber]trouble
}

// subscriber is an actor with a durable subscription to an event of another.
type subscriber struct {
	id, source troupe.ID
}

// trouble is that a subscriber fails with what there is for it.
type trouble struct {
	newest uint64 // event in the log that is to be tried again: its notice is for all before it
	until  time.Time
}

const (
	noticesAtOnce = 64
	noticeTimeout = 30 * time.Second
	// Before an event is tried again that a subscriber has failed with, twice as long each time.
	firstRetry, lastRetry = time.Second, 30 * time.Second
)

// openWaker starts the waker of a host that serves durable subscribers.
func (h *Host) openWaker(ctx context.Context) error {
	needed := false
	for _, t := range h.types {
		needed = needed || len(t.events) > 0
	}
	if !needed {
		return nil
	}
	log, err := h.log.open(ctx, h)
	if err != nil {
		return err
	}
	index, err := bus.OpenSubscriptions(ctx, h.nc, h.ns, h.config.Replicas)
	if err != nil {
		return err
	}
	feed, err := log.Feed(ctx, "wake", 2*noticeTimeout, noticesAtOnce)
	if err != nil {
		return err
	}
	h.waker = &waker{h: h, log: log, index: index, feed: feed, trouble: make(map[subscriber]trouble)}
	h.waker.ended = make(chan struct{})
	go h.waker.run()
	return nil
}

// rehearse does what the waker, and those whom it wakes, will do: see [Host.rehearse].
func (w *waker) rehearse(ctx context.Context, id troupe.ID) error {
	if w == nil {
		return nil
	}
	const event = "rehearsal"
	_, _, err := w.log.Last(ctx, id, event)
	if err == nil {
		_, err = w.index.Of(ctx, id, event)
	}
	if err == nil {
		err = w.index.Try(ctx, id)
	}
	for _, readErr := range w.log.Read(ctx, id, event, 0, time.Time{}) {
		err = cmp.Or(err, readErr)
	}
	return err
}

// stop ends the waker. Notices that are under way end with the host's context.
func (w *waker) stop() {
	w.feed.Stop()
	<-w.ended
}

// run takes events from the feed until it has ended.
func (w *waker) run() {
	defer close(w.ended)
	var notices errgroup.Group
	notices.SetLimit(noticesAtOnce)
	for e, ok := w.feed.Next(); ok; e, ok = w.feed.Next() {
		notices.Go(func() error {
			if w.wake(e) {
				e.Done()
			} else {
				e.Again(min(firstRetry<<min(e.Delivered-1, 8), lastRetry))
			}
			return nil
		})
	}
	_ = notices.Wait() // it has no errors
}

// wake tells all who subscribe to an event. It reports whether they need not be told again.
func (w *waker) wake(e bus.Fed) (done bool) {
	ctx, cancel := context.WithTimeout(w.h.ctx, noticeTimeout)
	defer cancel()
	subscribers, err := w.index.Of(ctx, e.Actor, e.Event)
	if err != nil {
		w.h.config.Logger.Warn("reading the subscribers to an event failed", slog.String("actor_type", e.Actor.Type()),
			slog.String("actor_key", e.Actor.KeyString()), slog.String("event", e.Event), slog.Any("error", err))
		return false
	}
	done = true
	for _, one := range subscribers {
		if s := (subscriber{one.ID, e.Actor}); !w.excused(s, e.Sequence) {
			done = w.settled(s, e, w.notify(ctx, one, e)) && done
		}
	}
	return done
}

// notify calls one subscriber.
func (w *waker) notify(ctx context.Context, to bus.Subscriber, e bus.Fed) error {
	err := w.h.client.Invoke(ctx, troupe.Invocation{
		ID: to.ID, Action: bus.NoticeAction, Existing: true,
		In: bus.Notice{Source: e.Actor.Tokens(), Event: e.Event, Sequence: e.Sequence},
	})
	if errors.Is(err, troupe.ErrNotFound) {
		return w.index.Remove(ctx, to)
	}
	return err
}

// excused reports whether the subscriber fails at the moment and will be told by a later event.
func (w *waker) excused(s subscriber, sequence uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.trouble[s]
	return ok && sequence < t.newest && time.Now().Before(t.until)
}

// settled notes what has come of a notice, and reports whether it need not be given again.
func (w *waker) settled(s subscriber, e bus.Fed, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.trouble[s]
	if err == nil {
		if t.newest <= e.Sequence {
			delete(w.trouble, s)
		}
		return true
	}
	if w.h.staying.Err() == nil {
		w.h.config.Logger.Warn("a durable subscriber failed and is tried again", slog.String("actor_type", s.id.Type()),
			slog.String("actor_key", s.id.KeyString()), slog.String("event", e.Event), slog.Any("error", err))
	}
	if e.Sequence < t.newest {
		return true
	}
	w.trouble[s] = trouble{newest: e.Sequence, until: time.Now().Add(lastRetry)}
	return false
}

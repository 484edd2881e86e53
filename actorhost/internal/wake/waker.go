// Package wake is the one source of wake-ups: it calls actors that are asleep, or awake elsewhere, because there is something
// for them to do.
package wake

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// Waker tells actors that there is something new for their durable subscriptions. All hosts that serve durable
// subscribers share the work: each event in the log goes to one of them, which looks up whom it is for and calls them. It
// is done with an event when all of them have stored what they have made of it.
//
// A notice only says how far the log has come: the subscriber reads for itself what it has not handled, from the place
// that is stored with its state. So a notice may come late, twice or out of order, and a later one makes up for one that
// has failed. See line for how they are given.
type Waker struct {
	config Config
	index  *store.Subscriptions
	feed   *store.Feed
	quit   chan struct{}

	lookups chan struct{} // has one for each that is under way
	inHand  chan struct{} // has one for each event that is not done
	running sync.WaitGroup

	mu     sync.Mutex
	told   map[*telling]struct{} // the events in hand
	lines  map[subscriber]*line
	ready  []*line // in which something waits
	givers int     // goroutines that give notices
}

// telling is an event that its subscribers are told of. It is guarded by the mutex of the waker.
type telling struct {
	store.Fed
	left  int           // that are to be told yet, or whose answer is to come
	again time.Duration // after which it is wanted again; zero if it is not
}

const (
	lookupsAtOnce, noticesAtOnce = 64, 256
	maxInHand                    = 4096
	// An event in hand is kept in progress. Another host gets it so long after its host has died.
	wakePatience  = 4 * time.Second
	noticeTimeout = 30 * time.Second
)

// Config is what a Waker needs of its host.
type Config struct {
	Conn   *nats.Conn
	Log    *store.EventLog
	Leases *store.Hosts
	Lease  time.Duration // there is a look for dead hosts so often
	Logger *slog.Logger
	// Call makes a call to an actor, which may be on any host.
	Call func(ctx context.Context, call troupe.Invocation) error
	// Working is done when the host gives up what is under way; Staying before, as it begins to stop.
	Working, Staying context.Context //nolint:containedctx // the life of the host
}

// Start starts a waker. Callers must Stop it.
func Start(ctx context.Context, config Config) (*Waker, error) {
	log, index, err := config.Log.Open(ctx)
	if err != nil {
		return nil, err
	}
	feed, err := log.Feed(ctx, "wake", wakePatience, lookupsAtOnce)
	if err != nil {
		return nil, err
	}
	w := &Waker{
		config: config, index: index, feed: feed, quit: make(chan struct{}),
		lookups: make(chan struct{}, lookupsAtOnce), inHand: make(chan struct{}, maxInHand),
		lines: make(map[subscriber]*line), told: make(map[*telling]struct{}),
	}
	w.running.Go(w.run)
	w.running.Go(w.keepInHand)
	w.running.Go(w.sweep)
	return w, nil
}

// Stop ends the waker: what is not done goes to other hosts. It waits for the notices that are under way, which end when
// Working is done.
func (w *Waker) Stop() {
	w.feed.Stop()
	close(w.quit)
	w.running.Wait()
}

func (w *Waker) stopped() bool {
	select {
	case <-w.quit:
		return true
	default:
		return false
	}
}

// run takes events from the feed until it has ended.
func (w *Waker) run() {
	for fed, ok := w.feed.Next(); ok; fed, ok = w.feed.Next() {
		if w.stopped() {
			fed.Again(0)
			continue
		}
		w.inHand <- struct{}{} // given back by what ends in any case
		w.lookups <- struct{}{}
		t := &telling{Fed: fed, left: 1}
		w.mu.Lock()
		w.told[t] = struct{}{}
		w.mu.Unlock()
		w.running.Go(func() {
			w.lookUp(t)
			<-w.lookups
		})
	}
}

// lookUp puts an event into the lines of its subscribers.
func (w *Waker) lookUp(t *telling) {
	ctx, cancel := context.WithTimeout(w.config.Working, noticeTimeout)
	defer cancel()
	subscribers, err := w.index.Of(ctx, t.Actor, t.Event)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		if w.config.Staying.Err() == nil {
			w.config.Logger.Warn("reading the subscribers to an event failed", slog.String("actor_type", t.Actor.Type()),
				slog.String("actor_key", t.Actor.KeyString()), slog.String("event", t.Event), slog.Any("error", err))
		}
		w.answer(t, firstRetry)
		return
	}
	for _, one := range subscribers {
		t.left++
		w.put(t, one)
	}
	w.answer(t, 0)
}

// answer counts the answer of one of those who are told: it has done with the event, or wants it again. The caller holds
// w.mu.
func (w *Waker) answer(t *telling, again time.Duration) {
	if again > 0 && (t.again == 0 || again < t.again) {
		t.again = again
	}
	if t.left--; t.left > 0 {
		return
	}
	delete(w.told, t)
	<-w.inHand
	if t.again > 0 {
		t.Again(t.again)
	} else {
		t.Done()
	}
}

// keepInHand tells the server that the events in hand are not forgotten, and forgets lines that are.
func (w *Waker) keepInHand() {
	ticker := time.NewTicker(wakePatience / 4)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-ticker.C:
		}
		w.mu.Lock()
		for t := range w.told {
			t.InProgress()
		}
		for s, l := range w.lines {
			if !l.running && time.Now().After(l.until) {
				delete(w.lines, s)
			}
		}
		w.mu.Unlock()
	}
}

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
	UntilGivenUp, UntilStop context.Context //nolint:containedctx // the life of the host
}

// Waker tells actors that there is something new for their durable subscriptions. All hosts that serve durable
// subscribers share the work: each event in the log is delivered to one of them, which looks up whom it is for and calls
// them. It acks the delivery when all of them have stored what they have made of the event.
//
// A notice only says how far the log has come: the subscriber reads for itself what it has not handled, from the place
// that is stored with its state. So a notice may come late, twice or out of order, and a later one makes up for one that
// has failed. See retryQueue for how they are given.
//
// It also wakes the actors of dead hosts that may have events to send.
type Waker struct {
	config     Config
	index      *store.Subscriptions
	feed       *store.Feed
	deliveries deliveries // its mutex and that of queues are never held together, nor while anything is sent
	queues     retryQueues

	lookupSlots chan struct{} // has one for each that is under way
	running     sync.WaitGroup
	quit        chan struct{}
}

const (
	lookupsAtOnce = 64
	// A delivery is kept in progress. Another host gets it so long after its host has died.
	ackWait       = 4 * time.Second
	lookupTimeout = 30 * time.Second
)

// Start starts a waker. Callers must Stop it.
func Start(ctx context.Context, config Config) (*Waker, error) {
	log, index, err := config.Log.Open(ctx)
	if err != nil {
		return nil, err
	}
	feed, err := log.Feed(ctx, "wake", ackWait, lookupsAtOnce)
	if err != nil {
		return nil, err
	}
	w := &Waker{
		config: config, index: index, feed: feed,
		deliveries: newDeliveries(), queues: newRetryQueues(),
		lookupSlots: make(chan struct{}, lookupsAtOnce), quit: make(chan struct{}),
	}
	w.running.Go(w.run)
	w.running.Go(w.keepInProgress)
	w.running.Go(w.sweep)
	return w, nil
}

// Stop ends the waker: what is not acked goes to other hosts. It waits for the calls that are under way, which end when
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
			fed.Nak(0)
			continue
		}
		d := w.deliveries.begin(fed)
		w.lookupSlots <- struct{}{}
		w.running.Go(func() {
			w.lookUp(d)
			<-w.lookupSlots
		})
	}
}

// lookUp puts an event into the queues of its subscribers.
func (w *Waker) lookUp(d *delivery) {
	ctx, cancel := context.WithTimeout(w.config.UntilGivenUp, lookupTimeout)
	defer cancel()
	subscribers, err := w.index.Of(ctx, d.Actor, d.Event)
	if err != nil {
		if w.config.UntilStop.Err() == nil {
			w.config.Logger.Warn("reading the subscribers to an event failed", slog.String("actor_type", d.Actor.Type()),
				slog.String("actor_key", d.Actor.KeyString()), slog.String("event", d.Event), slog.Any("error", err))
		}
		d.answer(minRetry)
		return
	}
	d.expect(len(subscribers))
	for _, one := range subscribers {
		if w.queues.add(notice{d, one}) {
			w.running.Go(w.runNotifier)
		}
	}
	d.answer(noRetry)
}

// keepInProgress keeps the deliveries in progress, and forgets retry queues whose event is delivered elsewhere.
func (w *Waker) keepInProgress() {
	ticker := time.NewTicker(ackWait / 4)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-ticker.C:
		}
		w.deliveries.inProgress()
		w.queues.forgetOverdue(time.Now())
	}
}

// Package wake is the only source of wake-ups: it calls actors, asleep or awake on any host, for which there is
// something to do.
package wake

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/store"
)

// Config configures a Waker, and [CatchUp].
type Config struct {
	Conn    *nats.Conn
	Log     *store.EventLog
	Records *store.Records
	Logger  *slog.Logger
	Faults  *faultlog.Log
	// Call calls an actor, on whichever host it is.
	Call func(ctx context.Context, call troupe.Invocation) error
	// Runs reports whether a host runs actors of a type. An error says that it cannot be told now.
	Runs func(ctx context.Context, actorType string) (bool, error)
	// UntilGivenUp ends when the host gives up what is under way. UntilStop ends earlier, when the host begins to stop.
	UntilGivenUp, UntilStop context.Context //nolint:containedctx // the life of the host
}

// Waker notifies actors of new events for their durable subscriptions. All hosts with durable subscribers share the
// work: each event in the log is delivered to one of them, which looks up the subscribers and calls them. It acks the
// delivery when all of them have handled the event and stored the outcome.
//
// A notice only says how far the log has come. The subscriber reads what it has not handled, from the position stored
// with its state. So a notice may come late, twice or out of order, and a later one covers one that has failed. See
// retryQueue for retries.
type Waker struct {
	config     Config
	index      *store.Subscriptions
	feed       *store.Feed
	deliveries deliveries // deliveries.mu and queues.mu are never held together, nor while anything is sent
	queues     retryQueues
	lines      lines
	lookups    lookups

	lookupSlots chan struct{} // one element for each look-up under way
	running     sync.WaitGroup
	quit        chan struct{}
}

const (
	lookupsAtOnce = 64
	// The waker reports each delivery in progress. If its host dies, another host gets the delivery after this time.
	ackWait       = 4 * time.Second
	lookupTimeout = 30 * time.Second
)

// Start starts a waker. Callers must Stop it.
func Start(ctx context.Context, config Config) (*Waker, error) {
	log, index, err := config.Log.Open(ctx)
	if err != nil {
		return nil, err
	}
	failed := func(err error) { config.Faults.Failed(hearing, store.Cause(err), err) }
	feed, err := log.Feed(ctx, "wake", ackWait, lookupsAtOnce, failed)
	if err != nil {
		return nil, err
	}
	w := &Waker{
		config: config, index: index, feed: feed,
		deliveries: newDeliveries(maxDeliveries), queues: newRetryQueues(), lookups: lookups{read: index.Of},
		lookupSlots: make(chan struct{}, lookupsAtOnce), quit: make(chan struct{}),
	}
	w.running.Go(w.run)
	w.running.Go(w.keepInProgress)
	return w, nil
}

// Stop ends the waker. What is not acked goes to other hosts. Stop waits for the calls under way, which end when
// UntilGivenUp does.
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

// run takes events from the feed until the feed ends.
func (w *Waker) run() {
	for fed, ok := w.feed.Next(); ok; fed, ok = w.feed.Next() {
		w.config.Faults.Works(hearing)
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

// lookUp queues an event for each of its subscribers.
func (w *Waker) lookUp(d *delivery) {
	ctx, cancel := context.WithTimeout(w.config.UntilGivenUp, lookupTimeout)
	defer cancel()
	subscribers, err := w.lookups.of(ctx, d.Actor, d.Event)
	if err != nil {
		if w.config.UntilStop.Err() == nil {
			w.config.Faults.Failed(lookingUp, store.Cause(err), err, slog.String("actor_type", d.Actor.Type()),
				slog.String("actor_key", d.Actor.KeyString()), slog.String("event", d.Event))
		}
		d.answer(minRetry)
		return
	}
	w.config.Faults.Works(lookingUp)
	d.expect(len(subscribers))
	for _, one := range subscribers {
		if w.queues.add(notice{d, one}) {
			w.running.Go(w.runNotifier)
		}
	}
	d.answer(noRetry)
}

// keepInProgress reports the deliveries in progress, and forgets failures whose event has gone to another host.
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

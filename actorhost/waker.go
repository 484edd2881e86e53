package actorhost

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
	"github.com/troupe-go/troupe/internal/pause"
)

// openWaker starts the waker if an actor type has durable subscriptions.
func (h *Host) openWaker(ctx context.Context) (err error) {
	if !followsEvents(h.types) {
		return nil
	}
	h.waker, err = wake.Start(ctx, h.wakeConfig())
	return err
}

func (h *Host) wakeConfig() wake.Config {
	return wake.Config{
		Conn: h.nc, Log: h.log, Records: h.records, Logger: h.config.Logger, Faults: h.faults,
		Call: h.client.Invoke, Runs: h.presence.Programs.Runs, UntilGivenUp: h.ctx, UntilStop: h.untilStop,
	}
}

// preflightLog fails the start of a host that has durable subscriptions but lacks the permissions for them: see
// [presence.Presence.Preflight].
func (h *Host) preflightLog(ctx context.Context, id troupe.ID) error {
	if h.waker == nil {
		return nil
	}
	return h.log.Try(ctx, id)
}

// awaitLease is how long a host that has just reconnected may take to renew its lease.
const awaitLease = 10 * time.Second

// catchUp has all durable subscribers catch up, because what they hear may not be what it was. One host does it for all.
func (h *Host) catchUp(ctx context.Context) {
	select {
	case <-h.log.Opened():
	default:
		return // a host that has nothing to do with durable events
	}
	_, index, err := h.log.Open(ctx)
	if err == nil {
		err = index.BeginCatchUp(ctx)
	}
	if err != nil {
		return // another host does, or the index is gone, and they do when it is there again
	}
	h.goroutines.Go(h.catchUpAll)
}

// clearOutboxes has the records of the actors that are awake say what they have told the log, which may have lost it. It does not
// wait. A write without a lease would end an actor; without one for long, all end.
func (h *Host) clearOutboxes() {
	h.goroutines.Go(func() {
		for began := time.Now(); !h.presence.Session().Valid(); {
			if time.Since(began) > awaitLease || !pause.For(h.untilStop, awaitLease/100) {
				return
			}
		}
		for _, a := range h.roster.all() { // in its own time: it may be about to wake
			cleared := &inside{done: make(chan error, 1), do: func(a *activation, done func(error)) {
				if a.awake {
					a.gate.ClearOutbox()
				}
				done(nil)
			}}
			if a.offer(&work{kind: insideWork, arg: cleared}) == mustRun {
				h.roster.ready.Add(a)
			}
		}
	})
}

func (h *Host) catchUpAll() {
	called, err := wake.CatchUp(h.untilStop, h.wakeConfig())
	switch {
	case h.untilStop.Err() != nil:
	case err != nil:
		h.config.Logger.Error("not all durable subscribers could be told of what they have missed: they are told with the next event",
			slog.Int("called", called), slog.Any("error", err))
	case called > 0:
		h.config.Logger.Info("durable subscribers were called for what they have missed", slog.Int("called", called))
	}
}

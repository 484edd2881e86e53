package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
	"github.com/troupe-go/troupe/internal/store"
)

// openWaker starts the waker if an actor type has durable subscriptions.
func (h *Host) openWaker(ctx context.Context) (err error) {
	if !h.followsEvents() {
		return nil
	}
	h.waker, err = wake.Start(ctx, wake.Config{
		Conn: h.nc, Log: h.log, Logger: h.config.Logger,
		Call: h.client.Invoke, Runs: h.presence.Programs.Runs, UntilGivenUp: h.ctx, UntilStop: h.untilStop,
	})
	return err
}

// followsEvents reports whether an actor type has durable subscriptions.
func (h *Host) followsEvents() bool {
	for _, t := range h.types {
		if len(t.events) > 0 {
			return true
		}
	}
	return false
}

// startSweeper starts the sweeper. A host that may not ask for the marks of others looks for them once it has made one.
func (h *Host) startSweeper(ctx context.Context) error {
	find := true
	if h.waker == nil {
		ctx, allowed := h.allowed(ctx, store.SubscriptionsQuestion(h.ns))
		_, err := h.log.FindIndex(ctx)
		if find = allowed(); find && err != nil {
			return err
		}
	}
	h.sweeper = wake.StartSweeper(wake.SweeperConfig{
		Conn: h.nc, Log: h.log, Find: find, Leases: h.leases, Lease: h.config.Lease, Logger: h.config.Logger,
		Call: h.client.Invoke, UntilStop: h.untilStop,
	})
	return nil
}

// preflightLog fails the start of a host that has durable subscriptions but lacks the permissions for them: see
// [presence.Presence.Preflight].
func (h *Host) preflightLog(ctx context.Context, id troupe.ID) error {
	if h.waker == nil {
		return nil
	}
	return h.log.Try(ctx, id)
}

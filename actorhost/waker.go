package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
)

// openWaker starts the waker of a host that serves durable subscribers.
func (h *Host) openWaker(ctx context.Context) (err error) {
	needed := false
	for _, t := range h.types {
		needed = needed || len(t.events) > 0
	}
	if !needed {
		return nil
	}
	h.waker, err = wake.Start(ctx, wake.Config{
		Conn: h.nc, Log: h.log, Leases: h.leases, Lease: h.config.Lease, Logger: h.config.Logger,
		Call: h.client.Invoke, UntilGivenUp: h.ctx, UntilStop: h.untilStop,
	})
	return err
}

// preflightLog fails the start of a host that serves durable subscribers and may not do for them what it must: see
// [presence.Presence.Rehearse].
func (h *Host) preflightLog(ctx context.Context, id troupe.ID) error {
	if h.waker == nil {
		return nil
	}
	return h.log.Try(ctx, id)
}

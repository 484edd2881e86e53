package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
)

// openWaker starts the waker if an actor type has durable subscriptions.
func (h *Host) openWaker(ctx context.Context) (err error) {
	if !followsEvents(h.types) {
		return nil
	}
	h.waker, err = wake.Start(ctx, wake.Config{
		Conn: h.nc, Log: h.log, Logger: h.config.Logger, Faults: h.faults,
		Call: h.client.Invoke, Runs: h.presence.Programs.Runs, UntilGivenUp: h.ctx, UntilStop: h.untilStop,
	})
	return err
}

// preflightLog fails the start of a host that has durable subscriptions but lacks the permissions for them: see
// [presence.Presence.Preflight].
func (h *Host) preflightLog(ctx context.Context, id troupe.ID) error {
	if h.waker == nil {
		return nil
	}
	return h.log.Try(ctx, id)
}

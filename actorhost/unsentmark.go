package actorhost

import (
	"context"
	"log/slog"
	"time"
)

// markUnsent marks the actor as one that may have events in its record and not in the log, or a run loop. The mark is made
// before the first such event is stored, and before the loop runs. It stays until all are in the log and the activation ends, and
// the actor is awake again if its loop goes on. If the host dies before that, another wakes the actor, even if nobody calls it.
func (a *activation) markUnsent(ctx context.Context) error {
	if a.unsent.Load() == nil {
		a.unsent.CompareAndSwap(nil, a.host.log.Mark(a.session.ID, a.id))
	}
	return a.unsent.Load().Make(ctx)
}

// removeUnsentMark removes the mark of an activation that ends and has sent everything.
func (a *activation) removeUnsentMark(ctx context.Context) {
	mark := a.unsent.Load()
	if mark == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, unmarkTimeout)
	defer cancel()
	if err := mark.Remove(ctx); err != nil {
		a.logger("").Warn("removing the mark of unsent events failed", slog.Any("error", err)) // harmless: the actor is woken for nothing
	}
}

// leaveUnsentMark leaves the mark of an activation that has ended to others. If it was not made yet, it is now.
func (a *activation) leaveUnsentMark() {
	ctx, cancel := context.WithTimeout(a.host.ctx, unmarkTimeout)
	defer cancel()
	if err := a.markUnsent(ctx); err != nil && ctx.Err() == nil {
		a.logger("").Error("an actor is not marked as one that runs: it runs again when it is called", slog.Any("error", err))
	}
}

const unmarkTimeout = 5 * time.Second

package actorhost

import (
	"context"
	"log/slog"
	"time"
)

// markUnsent marks the actor as one whose record may have events that are not in the log: from before the first of them is
// stored until all are in the log and the activation ends. If its host dies before that, a waker wakes the actor, though
// nobody may call it, and so has its events sent. Few activations need a mark.
func (a *activation) markUnsent(ctx context.Context) error {
	if a.unsent.Load() == nil {
		a.unsent.CompareAndSwap(nil, a.host.log.Mark(a.session.ID, a.id))
	}
	return a.unsent.Load().Make(ctx)
}

// removeUnsentMark removes the mark of an activation that ends and has sent everything.
func (a *activation) removeUnsentMark() {
	mark := a.unsent.Load()
	if mark == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.host.ctx, unmarkTimeout)
	defer cancel()
	if err := mark.Remove(ctx); err != nil {
		a.logger("").Warn("noting that all events are sent failed", slog.Any("error", err)) // the actor is woken in vain
	}
}

const unmarkTimeout = 5 * time.Second

package actorhost

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/internal/errs"
)

// markUnsent marks the actor as one that may have events in its record and not in the log. The mark is made before the
// first such event is stored. It stays until all are in the log and the activation ends. If the host dies before that,
// a waker wakes the actor to send its events, even if nobody calls it. Few activations need a mark.
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
		a.logger("").Warn("removing the mark of unsent events failed", slog.Any("error", err)) // harmless: the actor is woken for nothing
	}
}

const unmarkTimeout = 5 * time.Second

// markWhatRuns marks the actor if something runs beside its turns.
func (a *activation) markWhatRuns(w *work) error {
	if !a.worksBeside() {
		return nil
	}
	ctx, cancel := context.WithDeadline(a.host.ctx, a.host.clock.Time(w.Deadline))
	defer cancel()
	if err := a.markUnsent(ctx); err != nil {
		return errs.Unavailable("marking %s as one that runs: %v", a.id, err)
	}
	return nil
}

package actorhost

import (
	"context"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/store"
)

// checkArchive checks the archive if there is one. A host that may not has none: its calls have no ids.
func (e *env) checkArchive(ctx context.Context) error {
	ctx, allowed := e.allowed(ctx, store.ArchiveQuestion(e.ns))
	err := e.archive.Check(ctx)
	if !allowed() {
		return nil
	}
	return err
}

// checkAlarms is [store.Alarms.Check]. A host that may not look for them has none, unless an actor of its own schedules something.
func (e *env) checkAlarms(ctx context.Context) (*store.Replaced, error) {
	ctx, allowed := e.allowed(ctx, store.AlarmsQuestion(e.ns))
	replaced, err := e.alarms.Check(ctx)
	if !allowed() {
		return nil, nil //nolint:nilnil // there is nothing to say
	}
	return replaced, err
}

// allowed returns a context that ends if NATS does not allow the host to publish on a subject, and a function that ends it
// and reports whether it did.
func (e *env) allowed(ctx context.Context, subject string) (context.Context, func() bool) {
	guard := link.NewGuard(ctx, e.control, func(publish bool, denied string) bool { return publish && denied == subject })
	return guard.Context(), func() bool {
		err := guard.Err()
		guard.End()
		return err == nil
	}
}

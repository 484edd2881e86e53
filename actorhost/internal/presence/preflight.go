package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// Preflight does what the host may not do until much later, so that a permission that is missing fails its start; also does
// more of that. On a new cluster it waits until there is somebody to read from.
func (p *Presence) Preflight(ctx context.Context, also func(context.Context, troupe.ID) error) error {
	for {
		err := p.preflightOnce(ctx, also)
		if !errors.Is(err, nats.ErrNoResponders) || !pause.For(ctx, preflightPause) {
			return err
		}
	}
}

const preflightPause = 50 * time.Millisecond

// preflightOnce sends the host a message, and answers it, reads a record, a lease and a journal, and writes a record
// that cannot be at the revision it names.
func (p *Presence) preflightOnce(ctx context.Context, also func(context.Context, troupe.ID) error) error {
	if _, err := p.Requester.Do(ctx, &nats.Msg{Subject: p.Namespace.Ping(p.Session().ID)}, joinTimeout); err != nil {
		return fmt.Errorf("sending itself a message: %w", err)
	}
	id, err := troupe.NewID(p.Types[0])
	if err != nil {
		return err
	}
	if _, err := p.Records.Get(ctx, id); err != nil && !errors.Is(err, record.ErrCorrupt) {
		return err
	}
	if _, _, err := p.Leases.Revision(ctx, p.Session().ID); err != nil {
		return err
	}
	if err := p.Journals.Try(ctx, p.Session().ID); err != nil {
		return err
	}
	if err := also(ctx, id); err != nil {
		return err
	}
	if _, err := p.Records.Put(ctx, id, record.Record{Revision: 1 << 62}); !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("writing records: %w", err)
	}
	return nil
}

// tryCallSubscription subscribes for a moment as activations do later, which do not wait to be told that they must not: to the
// direct calls of an action that no actor can have.
func (p *Presence) tryCallSubscription(actorType string) error {
	id, err := troupe.NewID(actorType)
	if err != nil {
		return err
	}
	sub, err := p.Conn.ChanSubscribe(p.Namespace.Call(id, "_"), p.Inbox)
	if err != nil {
		return err
	}
	return unlessClosed(sub.Unsubscribe())
}

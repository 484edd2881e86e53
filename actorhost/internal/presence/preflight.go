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
	"github.com/troupe-go/troupe/internal/wire"
)

// Preflight tries what the host will do only later, so that a missing permission fails its start. also tries more. On a
// new cluster Preflight waits until there is a server to read from.
func (p *Presence) Preflight(ctx context.Context, also func(context.Context, troupe.ID) error) error {
	for {
		err := p.preflightOnce(ctx, also)
		if !errors.Is(err, nats.ErrNoResponders) || !pause.For(ctx, preflightPause) {
			return err
		}
	}
}

const preflightPause = 50 * time.Millisecond

// preflightOnce makes the host send itself a message and answer it. It reads a record, a lease and a journal. It also
// tries to write a record at a revision that cannot exist.
func (p *Presence) preflightOnce(ctx context.Context, also func(context.Context, troupe.ID) error) error {
	if _, err := p.Requester.Do(ctx, &wire.Message{Subject: p.Namespace.Ping(p.Session().ID)}, joinTimeout); err != nil {
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

// tryCallSubscription subscribes briefly to the direct calls of an action that no actor can have. Activations subscribe
// to such subjects later, and do not wait to learn whether they may.
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

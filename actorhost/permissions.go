package actorhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// needs reports whether a host cannot do without a subject that NATS does not let it use.
func (h *Host) needs(publish bool, subject string) bool {
	inbox, _, _ := strings.Cut(h.nc.NewInbox(), ".")
	needed := []string{"$JS.", "$KV.", inbox + ".", h.ns.Name() + ".host."}
	if !publish { // what actors call and broadcast is their own business
		needed = append(needed, h.ns.Name()+".route.", h.ns.Name()+".call.")
	} else {
		needed = append(needed, h.ns.Name()+".journal.")
	}
	for _, prefix := range needed {
		if strings.HasPrefix(subject, prefix) {
			return true
		}
	}
	return false
}

// rehearse does what the host may not do until much later, so that a permission that is missing fails its start. On a new
// cluster it waits until there is somebody to read from.
func (h *Host) rehearse(ctx context.Context) error {
	for {
		err := h.tryAll(ctx)
		if !errors.Is(err, nats.ErrNoResponders) || !pause(ctx, rehearseAgain) {
			return err
		}
	}
}

const rehearseAgain = 50 * time.Millisecond

// tryAll sends the host a message, and answers it, reads a record, a lease and a journal, and writes a record that cannot be at the
// revision it names.
func (h *Host) tryAll(ctx context.Context) error {
	if _, err := h.requester.Do(ctx, &nats.Msg{Subject: h.ns.Ping(h.ID())}, startTimeout); err != nil {
		return fmt.Errorf("sending itself a message: %w", err)
	}
	id, err := troupe.NewID(h.session.Load().entry.Types[0])
	if err != nil {
		return err
	}
	if _, err := h.records.Get(ctx, id); err != nil && !errors.Is(err, record.ErrCorrupt) {
		return err
	}
	if _, _, err := h.leases.Revision(ctx, h.ID()); err != nil {
		return err
	}
	if err := h.journals.Try(ctx, h.ID()); err != nil {
		return err
	}
	if err := h.waker.rehearse(ctx, id); err != nil {
		return err
	}
	if _, err := h.records.Put(ctx, id, record.Record{Revision: 1 << 62}); !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("writing records: %w", err)
	}
	return nil
}

// tryCalls subscribes for a moment as activations do later, which do not wait to be told that they must not: to the
// direct calls of an action that no actor can have.
func (h *Host) tryCalls(actorType string) error {
	id, err := troupe.NewID(actorType)
	if err != nil {
		return err
	}
	sub, err := h.nc.ChanSubscribe(h.ns.Call(id, "_"), h.inbox)
	if err != nil {
		return err
	}
	return unlessClosed(sub.Unsubscribe())
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// rmCommand is the verb rm.
type rmCommand struct {
	actorArgs
	consent
	Record   bool   `help:"Delete the record directly, without the on-destroy hook."`
	Revision uint64 `placeholder:"N" help:"With --record: fail if the record is at another revision."`
}

// Help is shown by troupe rm --help.
func (*rmCommand) Help() string {
	return `A host wakes the actor, runs its on-destroy hook, and deletes its record with all its state. The hook can refuse. ` +
		`A later call can create the actor anew.

If no host serves the type, or the record cannot be decoded, --record deletes the record directly, unless its owner is up. ` +
		`This fails, and changes nothing, if the actor wakes in the meantime.

Without a terminal --yes is needed.`
}

func (c *rmCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	switch {
	case c.Revision != 0 && !c.Record:
		return usageError{errors.New("--revision needs --record")}
	case !c.given() && !e.interactive: // before anything is looked up
		return e.ask(ctx, false, "destroy "+actorText(id), "")
	}
	return e.withRecord(ctx, id, func(ctx context.Context, r actorRecord) error {
		if err := c.remove(ctx, r); err != nil {
			return err
		}
		if e.json {
			return e.printLine(struct {
				Type      string `json:"type"`
				Key       string `json:"key"`
				Destroyed bool   `json:"destroyed"`
			}{id.Type(), keyText(id), true})
		}
		fmt.Fprintf(e.err, "destroyed %s\n", actorText(id))
		return nil
	})
}

func (c *rmCommand) remove(ctx context.Context, r actorRecord) error {
	name := actorText(r.id)
	if err := r.terminal.ask(ctx, c.given(), "destroy "+name, fmt.Sprintf("Destroy %s with all its state?", name)); err != nil {
		return err
	}
	if c.Record {
		return c.removeRecord(ctx, r)
	}
	return destroy(ctx, r)
}

// destroy asks a host to destroy the actor.
func destroy(ctx context.Context, r actorRecord) error {
	_, err := r.invoke(ctx, troupe.Invocation{ID: r.id, Action: troupe.DestroyAction})
	if known, ok := errors.AsType[*troupe.Error](err); ok &&
		(errors.Is(err, troupe.ErrUnknownType) || errors.Is(err, troupe.ErrStateCorrupt)) {
		advised := *known
		advised.Message += " (to delete its record without the hook: --record)"
		err = &advised
	}
	return r.explainUnknownType(ctx, r.id.Type(), err)
}

func (c *rmCommand) removeRecord(ctx context.Context, r actorRecord) error {
	found, err := r.records.Get(ctx, r.id)
	if err != nil && !errors.Is(err, record.ErrCorrupt) {
		return err
	}
	if err == nil && found.Owner == "" && !found.Created {
		return notFound(r.id)
	}
	if err := r.expect(c.Revision, found); err != nil {
		return err
	}
	hosts, err := r.hostsUp(ctx)
	if err != nil {
		return err
	}
	if owner, up := hosts[found.Owner]; up {
		return conflictError{fmt.Errorf("the owner of %s is up, the host %s: without --record it destroys the actor",
			actorText(r.id), nameAndID(owner))}
	}
	return r.explainConflict(r.records.Delete(ctx, r.id, found))
}

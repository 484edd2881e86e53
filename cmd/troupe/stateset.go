package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/record"
)

// stateSetCommand is the verb state set.
type stateSetCommand struct {
	actorArgs
	State *string `arg:"" name:"json" optional:"" help:"State as JSON; - reads it from stdin. Without it, piped stdin is read."`

	Raw      bool   `short:"r" help:"The state on stdin is msgpack, as state get --raw writes it."`
	Revision uint64 `placeholder:"N" help:"Fail if the record is at another revision: see state get --json."`
	Create   bool   `help:"Create the actor if there is none, without its on-create hook."`
	Yes      bool   `short:"y" help:"Do not ask."`
	Force    bool   `help:"Store fields too that the stored state does not have."`
	NoSleep  bool   `name:"no-sleep" help:"Do not put the actor to sleep first: changes that are not in its record yet are lost."`
	Forget   bool   `help:"Forget the answers to earlier calls too: a resent call runs again."`
}

// Help is shown by troupe state set --help.
func (*stateSetCommand) Help() string {
	return `An awake actor is put to sleep first, and wakes with the new state. The write fails, and changes nothing, if the ` +
		`actor wakes or somebody else writes the record in the meantime. Without a terminal --yes is needed.

It takes what troupe state get prints. JSON has no bytes and no times: a string takes the type of the stored value at the ` +
		`same place. A field that the stored state does not have is refused without --force; one that is left out is zero. If ` +
		`the state does not fit the actor's program, its calls fail with state_corrupt, and the state can be set again. Save the ` +
		`old state first:

  troupe state get counter a --raw > before.msgpack
  troupe state set counter a --raw --yes < before.msgpack`
}

func (c *stateSetCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	given, err := c.read(ctx, e)
	if err != nil {
		return err
	}
	return e.withRecord(ctx, id, func(ctx context.Context, r actorRecord) error { return c.set(ctx, r, given) })
}

func (c *stateSetCommand) set(ctx context.Context, r actorRecord, given []byte) error {
	if err := c.check(ctx, r, given); err != nil {
		return err
	}
	name := actorText(r.id)
	if err := r.terminal.ask(ctx, c.Yes, "replace the state of "+name, fmt.Sprintf("Replace the state of %s?", name)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if !c.NoSleep {
		if err := settle(ctx, r); err != nil {
			return err
		}
	}
	revision, err := c.write(ctx, r, given)
	if err != nil {
		return err
	}
	if r.json {
		_, err = fmt.Fprintf(r.out, "{\"revision\":%d}\n", revision)
	} else {
		_, err = fmt.Fprintf(r.err, "stored at revision %d\n", revision)
	}
	return err
}

// read returns the given state: JSON, or msgpack with --raw.
func (c *stateSetCommand) read(ctx context.Context, e env) ([]byte, error) {
	if c.Raw {
		if c.State != nil && *c.State != "-" || e.in == nil {
			return nil, usageError{errors.New("with --raw the state comes on stdin")}
		}
		given, err := readAll(ctx, e.in)
		if err != nil {
			return nil, fmt.Errorf("reading the state from stdin: %w", err)
		}
		if _, err := codec.ToJSON(given); err != nil {
			return nil, usageError{fmt.Errorf("the state is not msgpack: %w", err)}
		}
		return given, nil
	}
	given, err := readJSON(ctx, e.in, c.State, "state")
	if err != nil {
		return nil, err
	}
	if given == nil {
		return nil, usageError{errors.New("no state given: add it as JSON, or on stdin")}
	}
	return given, nil
}

func (c *stateSetCommand) write(ctx context.Context, r actorRecord, given []byte) (uint64, error) {
	found, err := r.records.Get(ctx, r.id)
	if c.Forget {
		found.Forget()
	}
	found, err = r.check(found, err)
	switch {
	case errors.Is(err, record.ErrCorrupt):
		fmt.Fprintln(r.err, "the record cannot be decoded: all of it is replaced")
	case c.Create && errors.Is(err, troupe.ErrNotFound):
	case err != nil:
		return 0, err
	}
	if err := r.expect(c.Revision, found); err != nil {
		return 0, err
	}
	state := given
	if !c.Raw {
		if state, err = codec.FromJSON(given, found.State); err != nil {
			return 0, usageError{fmt.Errorf("the state: %w", err)}
		}
	}
	// Without an owner, the host that is called next claims the actor. A host that believes it has the actor finds out
	// with its next write.
	found.Owner, found.Created, found.State = "", true, state
	revision, err := r.records.Put(ctx, r.id, found)
	return revision, r.explainConflict(err)
}

// check refuses, before anything happens, an actor that is not there and fields that the stored state does not have.
func (c *stateSetCommand) check(ctx context.Context, r actorRecord, given []byte) error {
	found, err := r.get(ctx)
	switch {
	case errors.Is(err, troupe.ErrNotFound) && !c.Create:
		return err
	case err != nil || len(found.State) == 0 || c.Force || c.Raw:
		return nil //nolint:nilerr // the write reports what is wrong
	}
	stored, err := codec.ToJSON(found.State)
	if err != nil {
		return nil //nolint:nilerr // nothing can be compared with it
	}
	unknown, known, err := look.UnknownFields(given, stored)
	switch {
	case err != nil || len(unknown) == 0:
		return err
	case slices.Contains(unknown, ".revision") && slices.Contains(unknown, ".state"):
		return usageError{errors.New("this is what state get --json prints: only what is in its field state is the state")}
	}
	return usageError{fmt.Errorf("the stored state has no field %s, it has %s: to store it all the same, add --force",
		strings.Join(unknown, ", "), strings.Join(known, ", "))}
}

// settle puts the actor to sleep, and brings what its host has stored into its record.
func settle(ctx context.Context, r actorRecord) error {
	_, err := putToSleep(ctx, r)
	if errors.Is(err, troupe.ErrOutcomeUnknown) && !errors.Is(ctx.Err(), context.Canceled) {
		return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
			Message: fmt.Sprintf("the host of %s does not put it to sleep in time: nothing is set, try again", actorText(r.id))}
	}
	if err != nil {
		return err
	}
	return recoverOwner(ctx, r)
}

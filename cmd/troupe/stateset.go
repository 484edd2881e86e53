package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
)

// stateSetCommand is the verb state set.
type stateSetCommand struct {
	actorArgs
	State *string `arg:"" name:"json" optional:"" help:"State as JSON; - reads it from stdin, as does no state when stdin is piped."`

	Raw      bool   `short:"r" help:"The state on stdin is msgpack, as state get --raw writes it."`
	Revision uint64 `placeholder:"N" help:"Fail when the record is at another revision: see state get --json."`
	Create   bool   `help:"Make the actor if there is none, without its on-create hook."`
	Force    bool   `help:"Do not wait for the actor to fall asleep: what its record does not have yet is undone."`
	Forget   bool   `help:"Forget the answers to earlier calls too: a call that is sent again runs again."`
}

// Help is shown by troupe state set --help.
func (*stateSetCommand) Help() string {
	return `An actor that is awake is put to sleep first, and wakes with the new state. The write fails, and changes ` +
		`nothing, when the actor wakes or anybody else writes the record in the meantime.

Where JSON has no type of its own, bytes and times, it takes the type of what is stored at the same place. Nothing else ` +
		`is checked: a state that the actor's program cannot take is refused when the actor wakes, with state_corrupt, and ` +
		`can be set again. Keep what was there:

  troupe state get counter a --raw > before.msgpack
  troupe state set counter a --raw < before.msgpack`
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
	return e.withRecord(ctx, id, func(r actorRecord) error { return c.set(ctx, r, given) })
}

func (c *stateSetCommand) set(ctx context.Context, r actorRecord, given []byte) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if !c.Force {
		if err := putToSleep(ctx, r); err != nil {
			return err
		}
		if err := recoverOwner(ctx, r); err != nil {
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

// read returns the state as it was given.
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
			return nil, usageError{fmt.Errorf("the state is no msgpack: %w", err)}
		}
		return given, nil
	}
	given, err := readJSON(ctx, e.in, c.State, "state")
	if err != nil {
		return nil, err
	}
	if given == nil {
		return nil, usageError{errors.New("what is the state to be? Give it as JSON, or on stdin")}
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
	// Without an owner, whoever is called next takes the actor; whoever thought to have it finds out by its next write.
	found.Owner, found.Epoch, found.Created, found.State = "", 0, true, state
	revision, err := r.records.Put(ctx, r.id, found)
	return revision, r.explainConflict(err)
}

// putToSleep puts an actor to sleep that is awake.
func putToSleep(ctx context.Context, r actorRecord) error {
	_, err := r.invoke(ctx, troupe.Invocation{ID: r.id, Action: troupe.SleepAction})
	if errors.Is(err, troupe.ErrNotFound) || errors.Is(err, troupe.ErrUnknownType) {
		return nil // it sleeps, or nobody is there who could run it
	}
	return err
}

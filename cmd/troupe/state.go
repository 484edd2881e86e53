package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// stateCommand is the verb state.
type stateCommand struct {
	Get     stateGetCommand     `cmd:"" help:"Print the stored state of an actor."`
	Set     stateSetCommand     `cmd:"" help:"Replace the stored state of an actor."`
	History stateHistoryCommand `cmd:"" help:"List the revisions of an actor that are kept."`
	Keep    stateKeepCommand    `cmd:"" help:"Set how many revisions of each actor are kept."`
}

// stateGetCommand is the verb state get.
type stateGetCommand struct {
	address
	Raw      bool   `short:"r" help:"Write the msgpack bytes as they are; of a damaged record, all of it."`
	Revision uint64 `placeholder:"N" help:"The state at an earlier revision: see state history."`
}

// Help is shown by troupe state get --help.
func (*stateGetCommand) Help() string {
	return `The state goes to stdout, indented on a terminal: what the record of the actor has. What the actor is at this ` +
		`moment may be newer: by a turn, or by some seconds where many actors of its host change at a time, or if that host has just ` +
		`died. With --json it comes in one line, with the record's revision and owner around it.`
}

// storedState is what state get --json writes.
type storedState struct {
	Type     string          `json:"type"`
	Key      string          `json:"key"`
	Revision uint64          `json:"revision"`
	Epoch    uint64          `json:"epoch"`
	Owner    string          `json:"owner,omitempty"`
	State    json.RawMessage `json:"state"`
}

func (c *stateGetCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	nc, records, err := e.records(ctx, id)
	if err != nil {
		return err
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	found, err := c.find(ctx, records, id)
	if c.Raw {
		return explainDenied(nc, c.printRaw(ctx, e, records, id, found.State, err))
	}
	if err != nil {
		return explainDenied(nc, err)
	}
	state := []byte("null") // an actor without any
	if len(found.State) > 0 {
		if state, err = codec.ToJSON(found.State); err != nil {
			return damaged(id, err)
		}
	}
	if !e.json {
		return printJSON(e.out, state, isTerminal(e.out))
	}
	line, err := marshal(storedState{id.Type(), id.KeyString(), found.Revision, found.Epoch, found.Owner, state})
	if err != nil {
		return err
	}
	return printJSON(e.out, line, false)
}

// find is the record at the revision that is asked for.
func (c *stateGetCommand) find(ctx context.Context, records *store.Records, id troupe.ID) (record.Record, error) {
	if c.Revision == 0 {
		return stored(ctx, records, id)
	}
	for one, err := range records.History(ctx, id) {
		switch {
		case err != nil && !errors.Is(err, record.ErrCorrupt):
			return record.Record{}, err
		case one.Revision == c.Revision && err != nil:
			return record.Record{}, &troupe.Error{Code: troupe.CodeStateCorrupt, Err: err, Message: err.Error()}
		case one.Revision == c.Revision:
			return one.Record, nil
		}
	}
	return record.Record{}, &troupe.Error{Code: troupe.CodeNotFound,
		Message: fmt.Sprintf("revision %d of %s is not kept: see troupe state history", c.Revision, id)}
}

func (c *stateGetCommand) printRaw(ctx context.Context, e env, records *store.Records, id troupe.ID, data []byte, err error) error {
	if errors.Is(err, record.ErrCorrupt) && c.Revision == 0 {
		fmt.Fprintln(e.err, "the record cannot be decoded: this is all of it")
		data, err = records.Raw(ctx, id)
	}
	if err != nil {
		return err
	}
	_, err = e.out.Write(data)
	return err
}

// stateSetCommand is the verb state set.
type stateSetCommand struct {
	address
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
	nc, records, err := e.records(ctx, id)
	if err != nil {
		return err
	}
	defer nc.Close()
	defer func() { _ = records.Close() }() // nothing is under way then
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	if !c.Force {
		if err := e.putToSleep(ctx, nc, id); err != nil {
			return err
		}
		if err := e.recoverOwner(ctx, nc, records, id); err != nil {
			return explainDenied(nc, err)
		}
	}
	revision, err := c.write(ctx, e, records, id, given)
	if err != nil {
		return explainDenied(nc, err)
	}
	if e.json {
		_, err = fmt.Fprintf(e.out, "{\"revision\":%d}\n", revision)
	} else {
		_, err = fmt.Fprintf(e.err, "stored at revision %d\n", revision)
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

func (c *stateSetCommand) write(ctx context.Context, e env, records *store.Records, id troupe.ID, given []byte) (uint64, error) {
	found, err := records.Get(ctx, id)
	if c.Forget {
		found.Forget()
	}
	found, err = checked(id, found, err)
	switch {
	case errors.Is(err, record.ErrCorrupt):
		fmt.Fprintln(e.err, "the record cannot be decoded: all of it is replaced")
	case c.Create && errors.Is(err, troupe.ErrNotFound):
	case err != nil:
		return 0, err
	}
	if c.Revision != 0 && c.Revision != found.Revision {
		return 0, fmt.Errorf("%s is at revision %d, not %d: nothing is changed", id, found.Revision, c.Revision)
	}
	state := given
	if !c.Raw {
		if state, err = codec.FromJSON(given, found.State); err != nil {
			return 0, usageError{fmt.Errorf("the state: %w", err)}
		}
	}
	// Without an owner, whoever is called next takes the actor; whoever thought to have it finds out by its next write.
	found.Owner, found.Epoch, found.Created, found.State = "", 0, true, state
	revision, err := records.Put(ctx, id, found)
	if errors.Is(err, store.ErrConflict) {
		return 0, fmt.Errorf("%s was woken or written in this moment: nothing is changed, try again: %w", id, err)
	}
	return revision, err
}

// records connects to the records of a namespace that there is.
func (e env) records(ctx context.Context, id troupe.ID) (*nats.Conn, *store.Records, error) {
	nc, err := e.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	ok, err := e.hasBucket(ctx, nc, "actors")
	if err == nil && !ok {
		err = notFound(id)
	}
	var records *store.Records
	if err == nil {
		records, err = store.OpenRecords(ctx, nc, e.namespace, 0)
	}
	if err != nil {
		err = explainDenied(nc, err)
		nc.Close()
		return nil, nil, err
	}
	return nc, records, nil
}

// stored is the record of an actor that there is. One that cannot be decoded comes with record.ErrCorrupt.
func stored(ctx context.Context, records *store.Records, id troupe.ID) (record.Record, error) {
	found, err := records.Get(ctx, id)
	return checked(id, found, err)
}

// checked looks into a record that was read: of one that cannot be decoded it leaves the revision.
func checked(id troupe.ID, found record.Record, err error) (record.Record, error) {
	if err == nil {
		_, err = found.Open()
	}
	switch {
	case errors.Is(err, record.ErrCorrupt):
		return record.Record{Revision: found.Revision}, damaged(id, err)
	case err == nil && !found.Created:
		err = notFound(id)
	}
	return found, err
}

func notFound(id troupe.ID) error {
	return &troupe.Error{Code: troupe.CodeNotFound, Message: fmt.Sprintf("there is no actor %s", id)}
}

func damaged(id troupe.ID, err error) error {
	return &troupe.Error{Code: troupe.CodeStateCorrupt, Err: err,
		Message: fmt.Sprintf("%v. To see its bytes: troupe state get %s %q --raw", err, id.Type(), id.KeyString())}
}

// putToSleep puts an actor to sleep that is awake.
func (e env) putToSleep(ctx context.Context, nc *nats.Conn, id troupe.ID) error {
	cl, err := client.New(nc, client.Config{Namespace: e.namespace.Name()})
	if err != nil {
		return err
	}
	err = cl.Invoke(ctx, troupe.Invocation{ID: id, Action: troupe.SleepAction})
	if errors.Is(err, troupe.ErrNotFound) || errors.Is(err, troupe.ErrUnknownType) {
		err = nil // it sleeps, or nobody is there who could run it
	}
	return errors.Join(err, cl.Close(context.WithoutCancel(ctx)))
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
)

// stateGetCommand is the verb state get.
type stateGetCommand struct {
	actorArgs
	Raw      bool   `short:"r" help:"Write the msgpack bytes; of a damaged record, all of it."`
	Revision uint64 `placeholder:"N" help:"Show the state at an earlier revision: see state history."`
	Items    string `placeholder:"MAP" help:"List the items of a Map of the state instead, one line of JSON each."`
}

// Help is shown by troupe state get --help.
func (*stateGetCommand) Help() string {
	return `The state in the actor's record goes to stdout, indented on a terminal. The state in memory may be newer: by one ` +
		`turn, or by some seconds if many actors of its host change at a time or if that host has just died. --json writes one ` +
		`line, which includes the record's revision and owner, and how many items the maps have that are kept apart from the state.`
}

// storedState is what state get --json writes.
type storedState struct {
	Type     string          `json:"type"`
	Key      string          `json:"key"`
	Revision uint64          `json:"revision"`
	Epoch    uint64          `json:"epoch"`
	Owner    string          `json:"owner,omitempty"`
	State    json.RawMessage `json:"state"`
	Maps     map[string]int  `json:"maps,omitempty"` // how many items each has
}

func (c *stateGetCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withRecord(ctx, id, func(ctx context.Context, r actorRecord) error { return c.print(ctx, r) })
}

func (c *stateGetCommand) print(ctx context.Context, r actorRecord) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	found, err := c.find(ctx, r)
	switch {
	case c.Items != "" && (c.Raw || c.Revision != 0):
		return usageError{errors.New("--items lists the items as they are: it takes no --revision and no --raw")}
	case c.Items != "" && err == nil:
		return printItems(ctx, r, found, c.Items)
	}
	if c.Raw {
		return c.printRaw(ctx, r, found.State, err)
	}
	if err != nil {
		return err
	}
	state := []byte("null") // an actor without state
	if len(found.State) > 0 {
		if state, err = codec.ToJSON(found.State); err != nil {
			return corrupt(r.id, err)
		}
	}
	if !r.json {
		return printJSON(r.out, state, isTerminal(r.out))
	}
	maps, err := countItems(ctx, r, found)
	if err != nil {
		return err
	}
	line, err := marshal(storedState{r.id.Type(), keyText(r.id), found.Revision, found.Epoch, found.Owner, state, maps})
	if err != nil {
		return err
	}
	return printJSON(r.out, line, false)
}

// find returns the record at the requested revision.
func (c *stateGetCommand) find(ctx context.Context, r actorRecord) (record.Record, error) {
	if c.Revision == 0 {
		return r.get(ctx)
	}
	for one, err := range r.records.History(ctx, r.id) {
		switch {
		case err != nil && !errors.Is(err, record.ErrCorrupt):
			return record.Record{}, err
		case one.Revision == c.Revision && err != nil:
			return record.Record{}, &troupe.Error{Code: troupe.CodeStateCorrupt, Err: err, Message: err.Error()}
		case one.Revision == c.Revision:
			return one.Record, nil
		}
	}
	return record.Record{}, nothingFound("revision %d of %s is not kept: see troupe state history", c.Revision, actorText(r.id))
}

func (c *stateGetCommand) printRaw(ctx context.Context, r actorRecord, data []byte, err error) error {
	if errors.Is(err, record.ErrCorrupt) && c.Revision == 0 {
		fmt.Fprintln(r.err, "the record cannot be decoded: this is all of it")
		data, err = r.records.Raw(ctx, r.id)
	}
	if err != nil {
		return err
	}
	_, err = r.out.Write(data)
	return err
}

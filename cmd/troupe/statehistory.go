package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
)

// stateHistoryCommand is the verb state history.
type stateHistoryCommand struct{ actorArgs }

// Help is shown by troupe state history --help.
func (*stateHistoryCommand) Help() string {
	return `Only the newest revision of each actor is kept, unless troupe state keep has changed that. A revision is written ` +
		`when the actor wakes on a host, when calls have changed its state (several calls may share one revision), and by troupe ` +
		`state set. --json includes the state of each. To go back to one:

  troupe state get counter a --revision 17 --raw > good.msgpack
  troupe state set counter a --raw --yes < good.msgpack`
}

// revision is a revision as state history --json prints it.
type revision struct {
	Revision uint64          `json:"revision"`
	Written  time.Time       `json:"written"`
	By       string          `json:"by"` // why it was written: see writtenBy
	Owner    string          `json:"owner,omitempty"`
	Epoch    uint64          `json:"epoch"`
	Bytes    int             `json:"state_bytes"`
	State    json.RawMessage `json:"state,omitempty"`
	Error    string          `json:"error,omitempty"` // why it cannot be read
}

func (c *stateHistoryCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withRecord(ctx, id, printHistory)
}

func printHistory(ctx context.Context, r actorRecord) error {
	kept, err := revisions(ctx, r)
	if err != nil {
		return err
	}
	if r.json {
		return printLines(r.terminal, kept)
	}
	if _, err := fmt.Fprintln(r.out, historyTable(r.terminal, kept)); err != nil {
		return err
	}
	most, err := r.records.Kept(ctx)
	if err == nil && most == 1 {
		fmt.Fprintln(r.err, "only one revision of each actor is kept: see troupe state keep")
	}
	return err
}

// revisions returns the kept revisions of an actor, oldest first. There is at least one.
func revisions(ctx context.Context, r actorRecord) ([]revision, error) {
	var found []revision
	var epoch uint64 // of the revision before
	for one, err := range r.records.History(ctx, r.id) {
		if err != nil && !errors.Is(err, record.ErrCorrupt) {
			return nil, err
		}
		line := revision{
			Revision: one.Revision, Written: one.Modified, By: writtenBy(one.Record, epoch),
			Owner: one.Owner, Epoch: one.Epoch, Bytes: len(one.State),
		}
		if err == nil && len(one.State) > 0 {
			line.State, err = codec.ToJSON(one.State)
		}
		if err != nil {
			line.By, line.Error = "", err.Error()
		}
		epoch = one.Epoch
		found = append(found, line)
	}
	if len(found) == 0 {
		return nil, notFound(r.id)
	}
	return found, nil
}

// writtenBy says why a record was written over one with the epoch before, which is zero if that is not known: then it may
// say nothing.
func writtenBy(r record.Record, before uint64) string {
	switch {
	case r.Owner == "":
		return "state set"
	case !r.Created:
		return "claim"
	case r.Epoch == before:
		return "calls"
	case before != 0:
		return "waking"
	}
	return ""
}

func historyTable(t terminal, revisions []revision) string {
	w := newTable(t, "REVISION", "WRITTEN", "EPOCH", "STATE")
	w.AppendHeader(table.Row{"REVISION", "WRITTEN", "BY", "HOST", "EPOCH", "STATE"})
	now := time.Now()
	for _, r := range revisions {
		by := r.By
		if r.Error != "" {
			by = paint(t.out, text.FgRed, "unreadable")
		}
		w.AppendRow(table.Row{r.Revision, formatAge(now.Sub(r.Written)), by, shortID(r.Owner), r.Epoch, formatSize(r.Bytes)})
	}
	return w.Render()
}

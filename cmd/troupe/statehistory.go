package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// stateHistoryCommand is the verb state history.
type stateHistoryCommand struct{ address }

// Help is shown by troupe state history --help.
func (*stateHistoryCommand) Help() string {
	return `One revision of each actor is kept, the newest, unless more were asked for with troupe state keep. A revision is ` +
		`written when the actor wakes on a host, when its state has changed, which may be for several calls at once, and by ` +
		`troupe state set. With --json each comes with its state. To go back to one:

  troupe state get counter a --revision 17 --raw > good.msgpack
  troupe state set counter a --raw < good.msgpack`
}

// revision is a revision of a record as state history --json writes it.
type revision struct {
	Revision uint64          `json:"revision"`
	Written  time.Time       `json:"written"`
	By       string          `json:"by"` // what has written it: see writtenBy
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
	nc, records, err := e.records(ctx, id)
	if err != nil {
		return err
	}
	defer nc.Close()
	kept, err := revisions(ctx, records, id)
	if err != nil {
		return explainDenied(nc, err)
	}
	if e.json {
		for _, r := range kept {
			if err := e.printLine(r); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := fmt.Fprintln(e.out, historyTable(e.terminal, kept)); err != nil {
		return err
	}
	most, err := records.Kept(ctx)
	if err == nil && most == 1 {
		fmt.Fprintln(e.err, "one revision of each actor is kept: see troupe state keep")
	}
	return explainDenied(nc, err)
}

// revisions are the revisions of an actor that are kept, oldest first. There is at least one.
func revisions(ctx context.Context, records *store.Records, id troupe.ID) ([]revision, error) {
	var found []revision
	for one, err := range records.History(ctx, id) {
		if err != nil && !errors.Is(err, record.ErrCorrupt) {
			return nil, err
		}
		r := revision{
			Revision: one.Revision, Written: one.Modified, By: writtenBy(one.Record),
			Owner: one.Owner, Epoch: one.Epoch, Bytes: len(one.State),
		}
		if err == nil && len(one.State) > 0 {
			r.State, err = codec.ToJSON(one.State)
		}
		if err != nil {
			r.By, r.Error = "", err.Error()
		}
		found = append(found, r)
	}
	if len(found) == 0 {
		return nil, notFound(id)
	}
	return found, nil
}

// writtenBy tells for what a record was written.
func writtenBy(r record.Record) string {
	switch {
	case r.Owner == "":
		return "state set"
	case !r.Created:
		return "claim"
	case r.Epoch == r.Revision:
		return "waking"
	}
	return "calls"
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
		w.AppendRow(table.Row{r.Revision, age(now.Sub(r.Written)), by, shortID(r.Owner), r.Epoch, size(r.Bytes)})
	}
	return w.Render()
}

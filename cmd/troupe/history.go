package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/nats-io/nats.go"

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

// stateKeepCommand is the verb state keep.
type stateKeepCommand struct {
	Revisions *int `arg:"" optional:"" help:"How many revisions of each actor to keep, 1 to 64; without it, the number is shown."`
	Force     bool `short:"f" help:"Do not ask before revisions are removed."`
}

// Help is shown by troupe state keep --help.
func (*stateKeepCommand) Help() string {
	return `It holds for all actors of the namespace, from now on, and hosts need not be restarted. Each revision is a copy of ` +
		`the whole record, on the disks of the servers. A smaller number removes what is over it at once: on a terminal you are ` +
		`asked first, elsewhere --force is needed.`
}

func (c *stateKeepCommand) run(ctx context.Context, e env) error {
	if c.Revisions != nil && (*c.Revisions < 1 || *c.Revisions > store.MaxHistory) {
		return usageError{fmt.Errorf("%d revisions cannot be kept: 1 to %d can", *c.Revisions, store.MaxHistory)}
	}
	nc, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	kept, err := c.keep(ctx, e, nc)
	if err != nil {
		return explainDenied(nc, err)
	}
	if e.json {
		return e.printLine(struct {
			Revisions int `json:"revisions"`
		}{kept})
	}
	_, err = fmt.Fprintln(e.out, kept)
	return err
}

func (c *stateKeepCommand) keep(ctx context.Context, e env, nc *nats.Conn) (int, error) {
	ok, err := e.hasBucket(ctx, nc, "actors")
	if err == nil && !ok {
		err = &troupe.Error{Code: troupe.CodeNotFound, Message: "no host has run in the namespace " + e.namespace.Name() + " yet"}
	}
	if err != nil {
		return 0, err
	}
	records, err := store.OpenRecords(ctx, nc, e.namespace, 0)
	if err != nil {
		return 0, err
	}
	kept, err := records.Kept(ctx)
	if err != nil || c.Revisions == nil || *c.Revisions == kept {
		return kept, err
	}
	if *c.Revisions < kept && !c.Force {
		if !e.interactive {
			return 0, usageError{fmt.Errorf("%d are kept, and nobody can be asked whether to remove some: say so with --force", kept)}
		}
		if err := e.confirm(ctx, fmt.Sprintf("Remove all but %d revisions of each actor?", *c.Revisions)); err != nil {
			return 0, err
		}
	}
	return *c.Revisions, records.Keep(ctx, *c.Revisions)
}

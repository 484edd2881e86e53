package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe/internal/look"
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

func (c *stateHistoryCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withRecord(ctx, id, printHistory)
}

func printHistory(ctx context.Context, r actorRecord) error {
	kept, err := look.History(ctx, r.records, r.id)
	switch {
	case err != nil:
		return err
	case len(kept) == 0:
		return notFound(r.id)
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

func historyTable(t terminal, revisions []look.Revision) string {
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

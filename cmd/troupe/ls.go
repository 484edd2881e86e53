package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// lsCommand is the verb ls.
type lsCommand struct {
	Type  string `arg:"" optional:"" help:"Only actors of this type."`
	Limit int    `default:"-1" placeholder:"N" help:"Show the first N actors, 0 for all (default: 1000, and all with --json)."`
}

// defaultLimit is how many actors are shown to people without --limit.
const defaultLimit = 1000

// Help is shown by troupe ls --help.
func (*lsCommand) Help() string {
	return `An actor has a record from its creation until it is destroyed. HOST is the host that runs it or ran it last; ` +
		`the record does not say whether the actor is awake. A host that is not up is marked: the next call to one of its actors ` +
		`moves that actor to another host. STATE is the size of the state, WRITTEN is when the record last changed. ` +
		`If there are none, the exit code is 3.`
}

func (c *lsCommand) run(ctx context.Context, e env) error {
	if c.Type != "" {
		if err := troupe.CheckName("actor type", c.Type); err != nil {
			return err
		}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		actors, err := c.list(ctx, conn)
		switch {
		case err != nil:
			return err
		case len(actors) == 0 && c.Type != "":
			return nothingFound("there are no actors of the type %s in the namespace %s", c.Type, e.namespace.Name())
		case len(actors) == 0:
			return nothingFound("there are no actors in the namespace %s", e.namespace.Name())
		}
		return c.print(e, actors)
	})
}

func (c *lsCommand) print(e env, actors []actorSummary) error {
	limit := c.Limit
	if limit < 0 && !e.json {
		limit = defaultLimit
	}
	shown := actors
	if limit > 0 && limit < len(actors) {
		shown = actors[:limit]
	}
	switch {
	case e.json:
		if err := printLines(e.terminal, shown); err != nil {
			return err
		}
	default:
		if _, err := fmt.Fprintln(e.out, actorTable(e.terminal, shown)); err != nil {
			return err
		}
	}
	for _, actor := range shown {
		if actor.Error != "" && !e.json {
			fmt.Fprintln(e.err, stripControls(actor.Error))
		}
	}
	if left := len(actors) - len(shown); left > 0 {
		fmt.Fprintf(e.err, "%d more are not shown: see --limit\n", left)
	}
	parked, stuck := 0, 0
	for _, actor := range actors {
		parked += actor.Parked
		if actor.Workflow == troupe.WorkflowStuck {
			stuck++
		}
	}
	if !e.json {
		tellParked(e.terminal, parked, "")
		tellStuck(e.terminal, stuck, "are")
	}
	return nil
}

// list reads all records of the type, or of all types, sorted by type and key.
func (c *lsCommand) list(ctx context.Context, conn connection) ([]actorSummary, error) {
	records, err := conn.findRecords(ctx)
	if err != nil || records == nil {
		return nil, err
	}
	hosts, err := conn.hostsUp(ctx)
	if err != nil {
		return nil, err
	}
	var actors []actorSummary
	for one, err := range records.List(ctx, c.Type) {
		switch {
		case err != nil && !errors.Is(err, record.ErrCorrupt):
			return nil, fmt.Errorf("listing the actors: %w", err)
		case err == nil && !one.Created: // claimed for a call that has not created the actor yet
			continue
		}
		actors = append(actors, summarize(one, err, hosts))
	}
	byName := func(a, b actorSummary) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), slices.Compare(a.Parts, b.Parts), cmp.Compare(a.Error, b.Error))
	}
	slices.SortFunc(actors, byName)
	// A record that was written meanwhile has come twice.
	return slices.CompactFunc(actors, func(a, b actorSummary) bool { return byName(a, b) == 0 }), nil
}

// actorTable renders the table of the verb ls.
func actorTable(t terminal, actors []actorSummary) string {
	w := newTable(t, "STATE", "WRITTEN")
	w.AppendHeader(table.Row{"TYPE", "KEY", "HOST", "STATE", "WRITTEN"})
	now := time.Now()
	for _, actor := range actors {
		key := actor.Key
		if key == "" {
			key = `""`
		}
		host, state := hostLabel(t, actor.Host, shortID(actor.Host.ID)), formatSize(actor.State)
		if actor.Error != "" {
			host, state = paint(t.out, text.FgRed, "unreadable record"), "-"
		}
		w.AppendRow(table.Row{actor.Type, key, host, state, formatAge(now.Sub(actor.Modified))})
	}
	return w.Render()
}

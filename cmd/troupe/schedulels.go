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

// scheduleLsCommand is the verb schedule ls.
type scheduleLsCommand struct {
	Type   string  `arg:"" optional:"" help:"Only actors of this type."`
	Key    *string `arg:"" optional:"" help:"Only the actor with this key."`
	Parked bool    `help:"Only what was given up."`
	Limit  int     `default:"-1" placeholder:"N" help:"Show the first N schedules, 0 for all (default: 1000, and all with --json)."`
}

// Help is shown by troupe schedule ls --help.
func (*scheduleLsCommand) Help() string {
	return `The earliest comes first. A run that fails is tried again, and given up in the end: then it is kept, with the error, ` +
		`until troupe schedule retry or cancel. With KEY the actor is asked, and not woken. Without, all records are read, which may ` +
		`be some seconds older than what an actor has in memory. If there is nothing, the exit code is 3.`
}

func (c *scheduleLsCommand) run(ctx context.Context, e env) error {
	if c.Type != "" {
		if err := troupe.CheckName("actor type", c.Type); err != nil {
			return err
		}
	}
	if c.Key != nil {
		return c.listActor(ctx, e)
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		list := newScheduleList(e, c)
		if err := list.readRecords(ctx, conn, c.Type); err != nil {
			return err
		}
		where := "in the namespace " + e.namespace.Name()
		if c.Type != "" {
			where = "by actors of the type " + c.Type + " " + where
		}
		return list.print(where)
	})
}

func (c *scheduleLsCommand) listActor(ctx context.Context, e env) error {
	id, err := actorArgs{c.Type, *c.Key}.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		lines, err := conn.schedulesOf(ctx, id)
		if err != nil {
			return err
		}
		list := newScheduleList(e, c)
		list.one = true
		list.add(lines...)
		return list.print("by " + actorText(id))
	})
}

// schedulesOf asks an actor what it has scheduled, or reads its record if no host can say.
func (c connection) schedulesOf(ctx context.Context, id troupe.ID) ([]scheduleLine, error) {
	lines, err := c.askSchedules(ctx, id)
	if !errors.Is(err, troupe.ErrUnknownType) && !errors.Is(err, troupe.ErrUnavailable) {
		return lines, err
	}
	records, errRecords := c.findRecords(ctx)
	if errRecords != nil || records == nil {
		return nil, c.explainUnknownType(ctx, id.Type(), err)
	}
	defer func() { _ = records.Close() }() // no write is in flight
	found, errRecord := actorRecord{c, id, records}.get(ctx)
	if errRecord != nil {
		return nil, errRecord
	}
	parts, errParts := found.Open()
	if errParts != nil {
		return nil, corrupt(id, errParts)
	}
	fmt.Fprintf(c.err, "no host of the type %s can be asked: this is what the record has\n", id.Type())
	return storedSchedules(id, parts.Schedules()), nil
}

// scheduleList collects schedules, as many as are to be shown.
type scheduleList struct {
	env
	parkedOnly bool
	one        bool // of one actor
	limit      int  // 0: none

	lines   []scheduleLine
	count   int
	damaged int // records
}

func newScheduleList(e env, c *scheduleLsCommand) *scheduleList {
	limit := c.Limit
	switch {
	case limit < 0 && !e.json:
		limit = defaultLimit
	case limit < 0:
		limit = 0
	}
	return &scheduleList{env: e, parkedOnly: c.Parked, limit: limit}
}

// add adds schedules. What will not be shown takes no memory.
func (l *scheduleList) add(lines ...scheduleLine) {
	for _, line := range lines {
		if line.Parked || !l.parkedOnly {
			l.lines = append(l.lines, line)
			l.count++
		}
	}
	if l.limit > 0 && len(l.lines) > 2*l.limit+troupe.MaxSchedules {
		l.cut()
	}
}

// cut keeps those that are shown, the earliest first.
func (l *scheduleList) cut() {
	slices.SortFunc(l.lines, func(a, b scheduleLine) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name))
	})
	if l.limit > 0 && len(l.lines) > l.limit {
		clear(l.lines[l.limit:])
		l.lines = l.lines[:l.limit]
	}
}

func (l *scheduleList) readRecords(ctx context.Context, conn connection, actorType string) error {
	records, err := conn.findRecords(ctx)
	if err != nil || records == nil {
		return err
	}
	defer func() { _ = records.Close() }() // no write is in flight
	had := make(map[troupe.ID]int)         // how many schedules: a record that is written meanwhile comes twice
	for one, err := range records.List(ctx, actorType) {
		switch {
		case errors.Is(err, record.ErrCorrupt):
			l.damaged++
			continue
		case err != nil:
			return fmt.Errorf("listing the actors: %w", err)
		}
		parts, err := one.Open()
		if err != nil {
			return err
		}
		if n := had[one.ID]; n > 0 {
			l.forget(one.ID, n)
			delete(had, one.ID)
		}
		before := l.count
		l.add(storedSchedules(one.ID, parts.Schedules())...)
		if n := l.count - before; n > 0 {
			had[one.ID] = n
		}
	}
	return nil
}

// forget removes what an older record of an actor had, so many schedules.
func (l *scheduleList) forget(id troupe.ID, n int) {
	key := keyText(id)
	l.lines = slices.DeleteFunc(l.lines, func(line scheduleLine) bool { return line.Type == id.Type() && line.Key == key })
	l.count -= n
}

func (l *scheduleList) print(where string) error {
	if l.damaged > 0 {
		fmt.Fprintf(l.err, "%d records cannot be decoded: see troupe doctor\n", l.damaged)
	}
	switch {
	case l.count == 0 && l.parkedOnly:
		return nothingFound("nothing was given up %s", where)
	case l.count == 0:
		return nothingFound("nothing is scheduled %s", where)
	}
	l.cut()
	if l.json {
		if err := printLines(l.terminal, l.lines); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(l.out, l.table()); err != nil {
		return err
	}
	if left := l.count - len(l.lines); left > 0 {
		fmt.Fprintf(l.err, "%d more are not shown: see --limit\n", left)
	}
	return nil
}

func (l *scheduleList) table() string {
	troubled := slices.ContainsFunc(l.lines, func(line scheduleLine) bool { return line.Attempts > 0 })
	w := newTable(l.terminal)
	w.AppendHeader(l.row([]any{"DUE", "TYPE", "KEY", "NAME", "ACTION", "REPEATS", "TROUBLE"}, troubled))
	now := time.Now()
	for i := range l.lines {
		line := &l.lines[i]
		w.AppendRow(l.row([]any{
			dueText(line.Due, now), line.Type, cmp.Or(line.Key, `""`), line.Name, stripControls(line.Action), stripControls(line.repeats()),
			l.troubleText(line),
		}, troubled))
	}
	return w.Render()
}

// row is a row of all columns without those that are not shown.
func (l *scheduleList) row(all []any, troubled bool) table.Row {
	if !troubled {
		all = all[:len(all)-1]
	}
	if l.one {
		all = slices.Delete(all, 1, 3)
	}
	return all
}

func (l *scheduleList) troubleText(line *scheduleLine) string {
	trouble := shorten(stripControls(line.trouble()))
	switch {
	case trouble == "":
		return ""
	case line.Parked:
		return paint(l.out, text.FgRed, trouble)
	}
	return paint(l.out, text.FgYellow, trouble)
}

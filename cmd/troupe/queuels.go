package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// queueLsCommand is the verb queue ls.
type queueLsCommand struct {
	Type string `arg:"" optional:"" help:"Only actors of this type."`
}

// Help is shown by troupe queue ls --help.
func (*queueLsCommand) Help() string {
	return `WAITING are messages to be handled now. LATER are those that wait for a time: they were pushed for one, have failed, or an ` +
		`actor has no room for them; and all of a queue in order whose next message has to wait: HELD UP says until when, and why if ` +
		`it has failed. DEAD are those that were given up, and are kept for 30 days. If there are none, the exit code is 3.`
}

// queueLine is a queue as queue ls --json prints it.
type queueLine struct {
	queueRef
	Waiting uint64 `json:"waiting"`
	Later   uint64 `json:"later"`
	Dead    uint64 `json:"dead"`

	HeldUp *heldUp `json:"heldUp,omitempty"` // nil: it is not, or is not in order
}

// heldUp says why a queue in order waits.
type heldUp struct {
	Until    time.Time `json:"until"`
	Attempts int       `json:"attempts"` // of the next message that have failed
	Error    string    `json:"error,omitempty"`
}

func (h *heldUp) String() string {
	if h == nil {
		return ""
	}
	text := "until " + h.Until.Local().Format(time.DateTime) //nolint:gosmopolitan // for people
	if h.Attempts > 0 {
		text += fmt.Sprintf(", %d attempts: %s", h.Attempts, h.Error)
	}
	return text
}

func (c *queueLsCommand) run(ctx context.Context, e env) error {
	if c.Type != "" {
		if err := troupe.CheckName("actor type", c.Type); err != nil {
			return err
		}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		asking, cancel := context.WithTimeout(ctx, e.timeout)
		defer cancel()
		counts, err := store.QueueCounts(asking, conn.nc, conn.namespace, c.Type)
		switch {
		case err != nil:
			return err
		case len(counts) == 0 && c.Type != "":
			return nothingFound("no queue of an actor of the type %s has messages, in the namespace %s", c.Type, e.namespace.Name())
		case len(counts) == 0:
			return nothingFound("no queue has messages, in the namespace %s", e.namespace.Name())
		}
		lines := make([]queueLine, len(counts))
		for i, one := range counts {
			lines[i] = queueLine{queueRef: refToQueue(one.Actor, one.Queue), Waiting: one.Waiting, Later: one.Later, Dead: one.Dead}
			if bell := one.HeldUp; bell != nil {
				lines[i].HeldUp = &heldUp{bell.NotBefore(), bell.Attempts(), bell.Failure()}
			}
		}
		if e.json {
			return printLines(e.terminal, lines)
		}
		_, err = fmt.Fprintln(e.out, queueTable(e.terminal, lines))
		return err
	})
}

func queueTable(t terminal, lines []queueLine) string {
	w := newTable(t, "WAITING", "LATER", "DEAD")
	header := table.Row{"TYPE", "KEY", "QUEUE", "WAITING", "LATER", "DEAD"}
	held := slices.ContainsFunc(lines, func(line queueLine) bool { return line.HeldUp != nil })
	if held {
		header = append(header, "HELD UP")
	}
	w.AppendHeader(header)
	for _, line := range lines {
		dead := fmt.Sprint(line.Dead)
		if line.Dead > 0 {
			dead = paint(t.out, text.FgRed, dead)
		}
		row := table.Row{line.Type, cmp.Or(line.Key, `""`), line.Queue, line.Waiting, line.Later, dead}
		if held {
			row = append(row, shorten(stripControls(line.HeldUp.String())))
		}
		w.AppendRow(row)
	}
	return w.Render()
}

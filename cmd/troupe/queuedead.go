package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
)

// queueDeadCommand is the verb queue dead.
type queueDeadCommand struct{ queueArgs }

// Help is shown by troupe queue dead --help.
func (*queueDeadCommand) Help() string {
	return `The oldest comes first. ID is what troupe queue retry and drop take. It reads the stream itself, and asks no host. If there ` +
		`are none, the exit code is 3.`
}

// deadLine is a dead letter as queue dead --json prints it.
type deadLine struct {
	messageRef
	Pushed   time.Time       `json:"pushed"`
	Died     time.Time       `json:"died"`
	Attempts int             `json:"attempts"`
	Error    string          `json:"error"`
	Message  json.RawMessage `json:"message"` // null: it has none, or it cannot be shown
}

func (c *queueDeadCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		lines, err := conn.deadLetters(ctx, id, c.Queue)
		switch {
		case err != nil:
			return err
		case len(lines) == 0:
			return nothingFound("%s has no dead letters in %s", actorText(id), c.Queue)
		case e.json:
			return printLines(e.terminal, lines)
		}
		_, err = fmt.Fprintln(e.out, deadTable(e.terminal, lines))
		return err
	})
}

// deadLetters reads the dead letters of a queue.
func (c connection) deadLetters(ctx context.Context, id troupe.ID, queue string) (lines []deadLine, err error) {
	letters, _, err := c.looker().DeadLetters(ctx, id, queue, 0)
	for _, m := range letters {
		lines = append(lines, deadLine{
			messageRef: messageRef{refToQueue(id, queue), m.ID}, Pushed: m.Pushed, Died: m.Died, Attempts: m.Attempts,
			Error: m.Error, Message: m.Message,
		})
	}
	return lines, err
}

func deadTable(t terminal, lines []deadLine) string {
	w := newTable(t, "ATTEMPTS")
	w.AppendHeader(table.Row{"ID", "DIED", "ATTEMPTS", "ERROR", "MESSAGE"})
	now := time.Now()
	for _, line := range lines {
		w.AppendRow(table.Row{
			line.ID, formatAge(now.Sub(line.Died)), line.Attempts,
			paint(t.out, text.FgRed, shorten(stripControls(line.Error))),
			shorten(stripControls(string(line.Message))),
		})
	}
	return w.Render()
}

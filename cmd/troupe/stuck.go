package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
)

// stuckCommand is the verb stuck.
type stuckCommand struct {
	Type string `arg:"" optional:"" help:"Only actors of this type."`
}

// Help is shown by troupe stuck --help.
func (*stuckCommand) Help() string {
	return `It lists scheduled runs that were given up, workflows that do not fit the program, steps and undos of workflows that have ` +
		`failed 20 times or more, and queues with dead letters, with the error of the oldest. All records are read, which may be ` +
		`some seconds older than what an actor has in memory. ` +
		`What is remedied is shown no more. If nothing is stuck, the exit code is 3.`
}

func (c *stuckCommand) run(ctx context.Context, e env) error {
	if c.Type != "" {
		if err := troupe.CheckName("actor type", c.Type); err != nil {
			return err
		}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		all, damaged, err := conn.looker().Stuck(ctx, c.Type)
		if err != nil {
			return err
		}
		if damaged > 0 {
			fmt.Fprintf(e.err, "%d records cannot be decoded: see troupe doctor\n", damaged)
		}
		if len(all) == 0 && c.Type != "" {
			return nothingFound("nothing of actors of the type %s is stuck in the namespace %s", c.Type, e.namespace.Name())
		}
		return printStuck(e, all)
	})
}

func printStuck(e env, lines []look.Stuck) error {
	if len(lines) == 0 {
		return nothingFound("nothing is stuck in the namespace %s", e.namespace.Name())
	}
	if e.json {
		return printLines(e.terminal, lines)
	}
	w := newTable(e.terminal, "SINCE", "TRIES")
	w.AppendHeader(table.Row{"WHAT", "TYPE", "KEY", "NAME", "SINCE", "TRIES", "WHY"})
	now := time.Now()
	for i := range lines {
		line := &lines[i]
		name := line.Name
		switch {
		case line.Step != "":
			name += ": " + line.Step
		case line.Dead > 0:
			name += fmt.Sprintf(": %d dead", line.Dead)
		}
		w.AppendRow(table.Row{
			line.Kind, line.Type, cmp.Or(line.Key, `""`), stripControls(name), formatAge(now.Sub(line.Since)), line.Tries,
			paint(e.out, text.FgRed, shorten(stripControls(line.Reason))),
		})
	}
	if _, err := fmt.Fprintln(e.out, w.Render()); err != nil {
		return err
	}
	fmt.Fprintln(e.err, "when the reason is gone: troupe schedule retry, workflow retry or queue retry; --json has the arguments")
	return nil
}

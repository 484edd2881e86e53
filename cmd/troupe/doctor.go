package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe/internal/store"
)

// doctorCommand is the verb doctor.
type doctorCommand struct {
	Repair bool `help:"Repair what can be."`
}

// Help is shown by troupe doctor --help.
func (*doctorCommand) Help() string {
	return `It compares the streams of the namespace with each other and with the hosts, as after streams were lost or put back to ` +
		`an older copy. Hosts may run meanwhile. It reads all records. If something is wrong, the exit code is 5.`
}

// report is what doctor --json prints.
type report struct {
	Streams  []streamLine `json:"streams"`
	Findings []finding    `json:"findings"`
}

func (c *doctorCommand) run(ctx context.Context, e env) error {
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		asking, cancel := context.WithTimeout(ctx, e.timeout)
		defer cancel()
		streams, err := store.Survey(asking, conn.nc, conn.namespace)
		if err != nil {
			return err
		}
		x := examination{connection: conn, onItsWay: time.Minute}
		defer x.close()
		found, err := x.examine(ctx, streams)
		if err != nil {
			return err
		}
		if err := printReport(e, report{streamLines(streams), found}); err != nil {
			return err
		}
		return c.conclude(ctx, e, found)
	})
}

// conclude repairs what can be, and fails if something is wrong after that.
func (c *doctorCommand) conclude(ctx context.Context, e env, found []finding) error {
	wrong, repairable := 0, 0
	for _, f := range found {
		switch {
		case f.repair != nil && c.Repair:
			if err := f.repair(ctx); err != nil {
				return fmt.Errorf("repairing (%s): %w", f.Text, err)
			}
			fmt.Fprintf(e.err, "repaired: %s\n", stripControls(f.Text))
		case f.Level != isWrong:
		case f.repair != nil:
			repairable++
			fallthrough
		default:
			wrong++
		}
	}
	switch {
	case wrong == 0:
		return nil
	case repairable > 0:
		return fmt.Errorf("%d wrong, of which troupe doctor --repair repairs %d", wrong, repairable)
	}
	return fmt.Errorf("%d wrong", wrong)
}

// streamLine is a stream as doctor --json prints it.
type streamLine struct {
	Name     string     `json:"name"`
	Made     *time.Time `json:"made"` // null: it is not there
	Messages uint64     `json:"messages"`
	Bytes    uint64     `json:"bytes"`
	Replicas int        `json:"replicas"`
}

func streamLines(streams []store.Surveyed) (lines []streamLine) {
	for _, one := range streams {
		line := streamLine{Name: one.Name}
		if info := one.Info; info != nil {
			line.Made, line.Messages, line.Bytes, line.Replicas = &info.Created, info.State.Msgs, info.State.Bytes, info.Config.Replicas
		}
		lines = append(lines, line)
	}
	return lines
}

func printReport(e env, r report) error {
	if e.json {
		return e.printLine(r)
	}
	w := newTable(e.terminal, "MESSAGES", "SIZE", "REPLICAS")
	w.AppendHeader(table.Row{"STREAM", "MESSAGES", "SIZE", "REPLICAS", "MADE"})
	for _, one := range r.Streams {
		row := table.Row{one.Name, "-", "-", "-", "not there"}
		if one.Made != nil {
			row = table.Row{one.Name, one.Messages, formatSize(int(one.Bytes)), one.Replicas, formatAge(time.Since(*one.Made))}
		}
		w.AppendRow(row)
	}
	fmt.Fprintln(e.out, w.Render())
	fmt.Fprintln(e.out)
	colors := map[level]text.Color{isWell: text.FgGreen, isNote: text.FgYellow, isWrong: text.FgRed}
	for _, f := range r.Findings {
		fmt.Fprintf(e.out, "%s  %s\n", paint(e.out, colors[f.Level], fmt.Sprintf("%-5s", f.Level)), stripControls(f.Text))
		if len(f.Actors) > 0 {
			fmt.Fprintf(e.out, "       such as %s\n", stripControls(strings.Join(f.Actors, ", ")))
		}
		if f.Remedy != "" {
			fmt.Fprintf(e.out, "       %s\n", stripControls(f.Remedy))
		}
	}
	return nil
}

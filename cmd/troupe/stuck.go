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
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
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

// stuckKind says what is stuck.
type stuckKind string

const (
	stuckSchedule stuckKind = "schedule"
	stuckWorkflow stuckKind = "workflow"
	stuckQueue    stuckKind = "queue"
)

// stuckLine is something that is stuck, as stuck --json prints it.
type stuckLine struct {
	Kind   stuckKind `json:"kind"`
	Type   string    `json:"type"`
	Key    string    `json:"key"`
	Name   string    `json:"name"`           // of the schedule, the workflow or the queue
	Step   string    `json:"step,omitempty"` // of the workflow that fails
	Since  time.Time `json:"since"`
	Tries  int       `json:"tries"`
	Reason string    `json:"reason"`
	Dead   uint64    `json:"dead,omitempty"` // letters of the queue
	Remedy string    `json:"remedy"`         // what to type
}

func (c *stuckCommand) run(ctx context.Context, e env) error {
	if c.Type != "" {
		if err := troupe.CheckName("actor type", c.Type); err != nil {
			return err
		}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		found := make(map[troupe.ID][]stuckLine)
		damaged := 0
		err := conn.eachRecord(ctx, c.Type, &damaged, func(one store.ListedRecord, parts *record.Parts) error {
			delete(found, one.ID) // a record that is written meanwhile comes twice
			if lines := stuckOf(one.ID, parts, stuckSchedule, stuckWorkflow); len(lines) > 0 {
				found[one.ID] = lines
			}
			return nil
		})
		if err != nil {
			return err
		}
		if damaged > 0 {
			fmt.Fprintf(e.err, "%d records cannot be decoded: see troupe doctor\n", damaged)
		}
		var all []stuckLine
		for _, lines := range found {
			all = append(all, lines...)
		}
		queues, err := conn.stuckQueues(ctx, c.Type)
		if err != nil {
			return err
		}
		return printStuck(e, append(all, queues...))
	})
}

// stuckQueues are those that have dead letters.
func (c connection) stuckQueues(ctx context.Context, actorType string) (lines []stuckLine, err error) {
	counts, err := store.QueueCounts(ctx, c.nc, c.namespace, actorType)
	if err != nil {
		return nil, err
	}
	for _, one := range counts {
		if one.Dead == 0 {
			continue
		}
		line := stuckLine{
			Kind: stuckQueue, Type: one.Actor.Type(), Key: keyText(one.Actor), Name: one.Queue, Dead: one.Dead,
			Remedy: fmt.Sprintf("troupe queue dead %s %s %s", one.Actor.Type(), keyArgument(one.Actor), one.Queue),
		}
		for oldest, err := range store.DeadMessages(ctx, c.nc, c.namespace, c.namespace.Dead(one.Actor, one.Queue, "*")) {
			if err != nil {
				return nil, err
			}
			line.Since, line.Tries, line.Reason = oldest.Stored, oldest.Attempts(), oldest.Failure()
			break
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// failsOften is how often a step has failed that is shown as stuck, though it is tried again.
const failsOften = 20

// stuckOf is what is stuck of an actor.
func stuckOf(id troupe.ID, parts *record.Parts, kinds ...stuckKind) (lines []stuckLine) {
	line := stuckLine{Type: id.Type(), Key: keyText(id)}
	if slices.Contains(kinds, stuckSchedule) {
		for _, parked := range parts.Schedules().Parked() {
			one := storedSchedule(id, &parked.Run)
			line.Kind, line.Name, line.Since, line.Tries, line.Reason = stuckSchedule, one.Name, one.Due, one.Attempts, one.Error
			line.Remedy = fmt.Sprintf("troupe schedule retry %s %s %s", id.Type(), keyArgument(id), one.Name)
			lines = append(lines, line)
		}
	}
	stored := parts.Workflow()
	if stored == nil || stored.Name == "" || !slices.Contains(kinds, stuckWorkflow) {
		return lines
	}
	line.Kind, line.Name = stuckWorkflow, stored.Name
	line.Remedy = fmt.Sprintf("troupe workflow retry %s %s", id.Type(), keyArgument(id))
	run := stored.ShowHead()
	if run.Status == troupe.WorkflowStuck {
		line.Since, line.Tries, line.Reason = run.Since, run.Tries, run.Reason
		return append(lines, line)
	}
	for i := range run.Waits {
		if wait := &run.Waits[i]; wait.Attempts >= failsOften {
			line.Step, line.Since, line.Tries, line.Reason = wait.Name, wait.Since, wait.Attempts, wait.Error
			lines = append(lines, line)
		}
	}
	return lines
}

// keyArgument is a key as it is typed.
func keyArgument(id troupe.ID) string { return cmp.Or(keyText(id), `""`) }

func printStuck(e env, lines []stuckLine) error {
	if len(lines) == 0 {
		return nothingFound("nothing is stuck in the namespace %s", e.namespace.Name())
	}
	slices.SortFunc(lines, func(a, b stuckLine) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Step, b.Step))
	})
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
			paint(e.out, text.FgRed, text.Trim(stripControls(line.Reason), troubleWidth)),
		})
	}
	if _, err := fmt.Fprintln(e.out, w.Render()); err != nil {
		return err
	}
	fmt.Fprintln(e.err, "when the reason is gone: troupe schedule retry, workflow retry or queue retry; --json has the arguments")
	return nil
}

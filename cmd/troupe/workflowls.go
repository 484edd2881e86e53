package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// workflowLsCommand is the verb workflow ls.
type workflowLsCommand struct {
	Type   string `arg:"" optional:"" help:"Only actors of this type."`
	Status string `placeholder:"STATUS" help:"Only those that are running, waiting, undoing, stuck, succeeded, failed or canceled."`
	Limit  int    `default:"-1" placeholder:"N" help:"Show the first N, 0 for all (default: 1000, and all with --json)."`
}

// Help is shown by troupe workflow ls --help.
func (*workflowLsCommand) Help() string {
	return `Those under way come first, the latest first. All records are read, which may be some seconds older than what an actor ` +
		`has in memory. A workflow that is over is remembered for 7 days. If there are none, the exit code is 3.`
}

// workflowLine is a workflow as workflow ls --json prints it.
type workflowLine struct {
	Type   string                `json:"type"`
	Key    string                `json:"key"`
	Name   string                `json:"name"`
	Status troupe.WorkflowStatus `json:"status"`
	Began  time.Time             `json:"began"`
	Ended  time.Time             `json:"ended,omitzero"`
	Steps  int                   `json:"steps"`            // that are done
	Waits  []troupe.WorkflowWait `json:"waits,omitempty"`  // steps that wait
	Error  string                `json:"error,omitempty"`  // that it has failed with
	Reason string                `json:"reason,omitempty"` // why it is stuck
	Retry  time.Time             `json:"retry,omitzero"`   // when that is tried again

	now string
}

func (c *workflowLsCommand) run(ctx context.Context, e env) error {
	if c.Type != "" {
		if err := troupe.CheckName("actor type", c.Type); err != nil {
			return err
		}
	}
	wanted := troupe.WorkflowStatus(c.Status)
	if all := workflowStatuses(); wanted != "" && !slices.Contains(all, wanted) {
		return usageError{fmt.Errorf("--status %q is none of %s", c.Status, strings.Join(texts(all), ", "))}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		var lines []workflowLine
		damaged := 0
		err := conn.eachWorkflow(ctx, c.Type, &damaged, func(id troupe.ID, stored *record.Workflow) error {
			lines = append(lines, lineOf(id, stored, time.Now()))
			return nil
		})
		if err != nil {
			return err
		}
		lines = slices.DeleteFunc(sortedWorkflows(lines), func(line workflowLine) bool { return wanted != "" && line.Status != wanted })
		return c.print(e, lines, damaged)
	})
}

func workflowStatuses() []troupe.WorkflowStatus {
	return []troupe.WorkflowStatus{
		troupe.WorkflowRuns, troupe.WorkflowWaits, troupe.WorkflowUndoes, troupe.WorkflowStuck,
		troupe.WorkflowSucceeded, troupe.WorkflowFailed, troupe.WorkflowCanceled,
	}
}

func texts[S ~string](all []S) (out []string) {
	for _, one := range all {
		out = append(out, string(one))
	}
	return out
}

// eachWorkflow reads all records of the type, or of all types, and calls each for those that have a workflow. A record that is
// written meanwhile may come twice.
func (c connection) eachWorkflow(
	ctx context.Context, actorType string, damaged *int, each func(troupe.ID, *record.Workflow) error,
) error {
	return c.eachRecord(ctx, actorType, damaged, func(one store.ListedRecord, parts *record.Parts) error {
		if stored := parts.Workflow(); stored != nil && stored.Name != "" {
			return each(one.ID, stored)
		}
		return nil
	})
}

// lineOf is a workflow without what its steps have given, which may be much.
func lineOf(id troupe.ID, stored *record.Workflow, now time.Time) workflowLine {
	steps := stored.Logged + len(stored.Steps())
	run := workflowRun{WorkflowRun: stored.ShowHead()}
	return workflowLine{
		Type: id.Type(), Key: keyText(id), Name: run.Name, Status: run.Status, Began: run.Began, Ended: run.Ended, Steps: steps,
		Waits: run.Waits, Error: run.Error, Reason: run.Reason, Retry: run.Retry, now: run.now(now),
	}
}

// sortedWorkflows sorts them, and leaves out what has come twice.
func sortedWorkflows(lines []workflowLine) []workflowLine {
	slices.SortStableFunc(lines, func(a, b workflowLine) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key)) })
	var kept []workflowLine
	for i := range lines {
		if i+1 < len(lines) && lines[i].Type == lines[i+1].Type && lines[i].Key == lines[i+1].Key {
			continue // the newer one follows
		}
		kept = append(kept, lines[i])
	}
	slices.SortStableFunc(kept, func(a, b workflowLine) int {
		over := func(l workflowLine) int {
			if l.Status.Over() {
				return 1
			}
			return 0
		}
		return cmp.Or(over(a)-over(b), b.Began.Compare(a.Began))
	})
	return kept
}

func (c *workflowLsCommand) print(e env, lines []workflowLine, damaged int) error {
	if damaged > 0 {
		fmt.Fprintf(e.err, "%d records cannot be decoded: see troupe doctor\n", damaged)
	}
	if len(lines) == 0 {
		what := "there are no workflows"
		if c.Status != "" {
			what = "no workflow is " + c.Status
		}
		if c.Type != "" {
			what += " of actors of the type " + c.Type
		}
		return nothingFound("%s in the namespace %s", what, e.namespace.Name())
	}
	limit := c.Limit
	if limit < 0 && !e.json {
		limit = defaultLimit
	}
	shown := lines
	if limit > 0 && limit < len(lines) {
		shown = lines[:limit]
	}
	if e.json {
		if err := printLines(e.terminal, shown); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(e.out, workflowTable(e.terminal, shown)); err != nil {
		return err
	}
	if left := len(lines) - len(shown); left > 0 {
		fmt.Fprintf(e.err, "%d more are not shown: see --limit\n", left)
	}
	return nil
}

func workflowTable(t terminal, lines []workflowLine) string {
	w := newTable(t, "STEPS", "BEGAN")
	w.AppendHeader(table.Row{"TYPE", "KEY", "WORKFLOW", "STATUS", "STEPS", "BEGAN", "NOW"})
	now := time.Now()
	for i := range lines {
		line := &lines[i]
		w.AppendRow(table.Row{
			line.Type, cmp.Or(line.Key, `""`), line.Name, paint(t.out, statusColor(line.Status), string(line.Status)), line.Steps,
			formatAge(now.Sub(line.Began)), shorten(stripControls(line.now)),
		})
	}
	return w.Render()
}

func statusColor(s troupe.WorkflowStatus) text.Color {
	switch s {
	case troupe.WorkflowStuck, troupe.WorkflowFailed:
		return text.FgRed
	case troupe.WorkflowUndoes, troupe.WorkflowCanceled:
		return text.FgYellow
	case troupe.WorkflowSucceeded:
		return text.FgGreen
	}
	return text.Reset
}

// text says in a line how a workflow is.
func (l *workflowLine) text(t terminal) string {
	line := fmt.Sprintf("%s %s, %d steps", l.Name, paint(t.out, statusColor(l.Status), string(l.Status)), l.Steps)
	if l.now != "" {
		line += ", " + shorten(stripControls(l.now))
	}
	return line
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
)

// workflowShowCommand is the verb workflow show.
type workflowShowCommand struct{ actorArgs }

// Help is shown by troupe workflow show --help.
func (*workflowShowCommand) Help() string {
	return `The steps that are done come first, then those that wait. A bar shows when a step ran or waited, from the beginning of ` +
		`the workflow to its end or now. The actor is not woken; when no host of its type is up, its record is read. --json has all ` +
		`of the inputs, results and errors. If the actor has no workflow, the exit code is 3.`
}

func (c *workflowShowCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		run, err := conn.wholeWorkflow(ctx, id)
		switch {
		case err != nil:
			return err
		case e.json:
			return e.printLine(run)
		}
		return printWorkflow(e.terminal, actorText(id), &run, time.Now())
	})
}

func printWorkflow(t terminal, actor string, run *workflowRun, now time.Time) error {
	fmt.Fprintf(t.out, "%s  %s  %s\n\n", actor, run.Name, paint(t.out, statusColor(run.Status), string(run.Status)))
	for _, line := range workflowInfo(t, run, now) {
		fmt.Fprintf(t.out, "  %-9s%s\n", line.name, line.value)
	}
	steps := timeline(t, run, now)
	if steps == "" {
		return nil
	}
	_, err := fmt.Fprintf(t.out, "\n%s\n", steps)
	return err
}

// workflowInfo is what there is to say of a workflow besides its steps.
func workflowInfo(t terminal, run *workflowRun, now time.Time) (lines []infoLine) {
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, infoLine{name, stripControls(value)})
		}
	}
	add("Began", dueText(run.Began, now))
	if run.Status.Over() {
		add("Ended", fmt.Sprintf("%s, it took %s", dueText(run.Ended, now), exactDuration(run.Ended.Sub(run.Began))))
	}
	add("Input", valueText(run.Input))
	add("Result", valueText(run.Result))
	if run.Error != "" {
		lines = append(lines, infoLine{"Error", paint(t.out, text.FgRed, stripControls(run.Error))})
	}
	if run.Cancel != "" {
		add("Cancel", "its next step is to fail: "+run.Cancel)
	}
	if run.Status == troupe.WorkflowStuck {
		lines = append(lines, infoLine{"Stuck", paint(t.out, text.FgRed, stripControls(run.Reason))})
		add("Since", dueText(run.Since, now))
		tries := fmt.Sprintf("%d, the next is under way", run.Tries)
		if !run.Retry.IsZero() {
			tries = fmt.Sprintf("%d, the next at %s; troupe workflow retry tries now", run.Tries, dueText(run.Retry, now))
		}
		add("Tries", tries)
	}
	add("Signals", strings.Join(run.Signals, ", "))
	return lines
}

// barWidth is how many columns a whole workflow takes.
const barWidth = 20

// timeline is a table of the steps, or nothing.
func timeline(t terminal, run *workflowRun, now time.Time) string {
	end := now
	if run.Status.Over() {
		end = run.Ended
	}
	w := newTable(t, "BEGAN", "TOOK", "TRIES")
	w.AppendHeader(table.Row{"STEP", "KIND", "BEGAN", "TOOK", "TRIES", "", "RESULT"})
	if run.Before > 0 {
		w.AppendRow(table.Row{fmt.Sprintf("%d steps before these", run.Before)})
	}
	for i := range run.Steps {
		step := &run.Steps[i]
		result := valueText(step.Result)
		if step.Error != "" {
			result = paint(t.out, text.FgRed, shorten(stripControls(step.Error)))
		}
		w.AppendRow(table.Row{
			step.Name, step.Kind, "+" + exactDuration(step.Began.Sub(run.Began)), exactDuration(step.Ended.Sub(step.Began)),
			max(step.Attempts, 1), bar(step.Began.Sub(run.Began), step.Ended.Sub(run.Began), end.Sub(run.Began), '█'), result,
		})
	}
	for i := range run.Waits {
		wait := &run.Waits[i]
		w.AppendRow(table.Row{
			wait.Name, wait.Kind, "+" + exactDuration(wait.Since.Sub(run.Began)), exactDuration(now.Sub(wait.Since)),
			max(wait.Attempts, 1), bar(wait.Since.Sub(run.Began), end.Sub(run.Began), end.Sub(run.Began), '░'),
			paint(t.out, text.FgYellow, shorten(stripControls(waitText(wait, now)))),
		})
	}
	if run.Before+len(run.Steps)+len(run.Waits) == 0 {
		return ""
	}
	return w.Render()
}

// bar shows when something began and ended in the whole.
func bar(began, ended, whole time.Duration, block rune) string {
	if whole <= 0 {
		whole = 1
	}
	at := func(d time.Duration) int { return int(min(max(float64(d)/float64(whole), 0), 1) * barWidth) }
	from := min(at(began), barWidth-1)
	to := max(at(ended), from+1)
	return strings.Repeat(" ", from) + strings.Repeat(string(block), to-from) + strings.Repeat(" ", barWidth-to)
}

// exactDuration is a duration with two units.
func exactDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(d, 0); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < day:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
}

// valueText is a value in one line, as people want to see it: its beginning.
func valueText(value json.RawMessage) string {
	if len(value) == 0 {
		return ""
	}
	return shorten(stripControls(string(value)))
}

// workflowName is how people call a workflow of an actor.
func workflowName(id troupe.ID, name string) string {
	return cmp.Or(name, "the workflow") + " of " + actorText(id)
}

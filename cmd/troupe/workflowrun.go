package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
)

// workflowRun is a workflow as --json prints it, with the digits of its values as they are.
type workflowRun struct {
	Type string `json:"type"`
	Key  string `json:"key"`
	troupe.WorkflowRun

	Input  json.RawMessage `json:"input,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Steps  []workflowStep  `json:"steps"`
}

type workflowStep struct {
	troupe.WorkflowStep

	Result json.RawMessage `json:"result,omitempty"`
}

// workflowOf asks an actor, which it does not wake, for its workflow, or reads its record if no host can say.
func (c connection) workflowOf(ctx context.Context, id troupe.ID) (workflowRun, error) {
	output, err := c.invoke(ctx, troupe.Invocation{ID: id, Action: troupe.WorkflowAction, Existing: true})
	if err == nil {
		return readWorkflow(id, output)
	}
	switch {
	case errors.Is(err, troupe.ErrUnknownType), errors.Is(err, troupe.ErrUnavailable):
	case errors.Is(err, troupe.ErrUnknownAction): // of a host that is older than workflows
	default:
		return workflowRun{}, err
	}
	records, errRecords := c.findRecords(ctx)
	if errRecords != nil || records == nil {
		return workflowRun{}, c.explainUnknownType(ctx, id.Type(), err)
	}
	defer func() { _ = records.Close() }() // no write is in flight
	found, errRecord := actorRecord{c, id, records}.get(ctx)
	if errRecord != nil {
		return workflowRun{}, errRecord
	}
	parts, errParts := found.Open()
	if errParts != nil {
		return workflowRun{}, corrupt(id, errParts)
	}
	stored := parts.Workflow()
	if stored == nil || stored.Name == "" {
		return workflowRun{}, nothingFound("%s has no workflow", actorText(id))
	}
	fmt.Fprintf(c.err, "no host of the type %s can be asked: this is what the record has\n", id.Type())
	return storedWorkflow(id, stored)
}

// wholeWorkflow is workflowOf with all steps, as far as hosts can read them.
func (c connection) wholeWorkflow(ctx context.Context, id troupe.ID) (workflowRun, error) {
	run, err := c.workflowOf(ctx, id)
	for err == nil && run.Before > 0 {
		output, failed := c.invoke(ctx, troupe.Invocation{
			ID: id, Action: troupe.WorkflowAction, Existing: true, In: troupe.WorkflowPage{Until: run.Before},
		})
		if failed != nil {
			fmt.Fprintf(c.err, "the steps before these cannot be read: %v\n", failed)
			break
		}
		page, failed := readWorkflow(id, output)
		if failed != nil {
			return run, failed
		}
		if !page.Began.Equal(run.Began) || len(page.Steps) == 0 || page.Before+len(page.Steps) != run.Before {
			break // another run by now, or a host that shows no others
		}
		run.Steps, run.Before = append(page.Steps, run.Steps...), page.Before
	}
	return run, err
}

// storedWorkflow is the one that a record has.
func storedWorkflow(id troupe.ID, stored *record.Workflow) (workflowRun, error) {
	shown, err := codec.JSON.Append(nil, stored.Show())
	if err != nil {
		return workflowRun{}, fmt.Errorf("the workflow of %s cannot be shown: %w", actorText(id), err)
	}
	return readWorkflow(id, shown)
}

func readWorkflow(id troupe.ID, shown []byte) (workflowRun, error) {
	run := workflowRun{Type: id.Type(), Key: keyText(id)}
	if err := json.Unmarshal(shown, &run); err != nil {
		return workflowRun{}, fmt.Errorf("what %s says of its workflow cannot be read: %w", actorText(id), err)
	}
	run.Input, run.Result = someJSON(run.Input), someJSON(run.Result)
	for i := range run.Steps {
		run.Steps[i].Result = someJSON(run.Steps[i].Result)
	}
	return run, nil
}

// now says for people what the workflow does at the moment, or how it has ended.
func (r *workflowRun) now(now time.Time) string {
	switch {
	case r.Status == troupe.WorkflowStuck:
		return "stuck: " + r.Reason
	case r.Status.Over():
		return r.Error
	case len(r.Waits) > 0:
		return r.Waits[0].Name + " " + waitText(&r.Waits[0], now)
	case r.Cancel != "":
		return "is to be canceled: " + r.Cancel
	}
	return ""
}

// waitText says for people what a step waits for.
func waitText(w *troupe.WorkflowWait, now time.Time) (text string) {
	until := ""
	if !w.Until.IsZero() {
		until = " until " + dueText(w.Until, now)
	}
	switch w.Kind {
	case record.WaitSignal:
		return "waits for the signal " + w.Signal + until
	case record.WaitRetry:
		if w.Until.IsZero() {
			until = "now"
		} else {
			until = "at " + dueText(w.Until, now)
		}
		return fmt.Sprintf("has failed %d, tried again %s: %s", w.Attempts, until, w.Error)
	}
	return "sleeps" + until
}

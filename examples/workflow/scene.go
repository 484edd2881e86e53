package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage"
	"github.com/troupe-go/troupe/examples/workflow/flow"
)

// The stations of the scene. Cairo's sensor is broken, and Quito's line is garbled.
var stations = []struct{ name, readings string }{
	{"Berlin", "14.2 15.1 13.9 16.0"},
	{"Oslo", "-3.4 -2.9 -5.1"},
	{"Cairo", "31.0 999 30.2 -400"},
	{"Quito", "17.5 1?.2 16.8"},
}

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "workflow", Key: "main", Action: "executeWorkflow", Input: `{"workflowId":"lima","readings":"19.5 18.2"}`},
		{Type: "workflow", Key: "main", Action: "executeWorkflow", Input: `{"workflowId":"mars","readings":"-140"}`},
		{Type: "workflow", Key: "main", Action: "listWorkflows"},
		{Type: "validator", Key: "main", Action: "validate", Input: `{"celsius":[21,61]}`},
	},
}

// scene sends the readings of each station through the workflow.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) error {
	s.Title("Orchestration", "A workflow takes weather readings through three actors: initialize → validate → finalize.")
	workflow := troupe.GetOrCreate[flow.Workflow](c, "main")
	for _, station := range stations {
		job := flow.Job{WorkflowID: strings.ToLower(station.name) + "-" + rand.Text()[:6], Readings: station.readings}
		what := fmt.Sprintf("%-8s %-22s", station.name, station.readings)
		result, err := flow.ExecuteWorkflow.Call(ctx, workflow, job)
		switch {
		case errors.Is(err, flow.ErrUnreadable):
			refused, _ := errors.AsType[*troupe.Error](err)
			s.Refused("%s  unreadable: %q is not a number", what, refused.Metadata["word"])
		case err != nil:
			return fmt.Errorf("the workflow %s: %w", job.WorkflowID, err)
		case !result.Finalized:
			s.Refused("%s  failed validation:", what)
			for _, problem := range result.Problems {
				s.Line("  %s", s.Dim("· "+problem))
			}
		default:
			s.Done("%s  finalized: %.1f °C on average", what, result.Mean)
		}
	}

	workflows, err := flow.ListWorkflows.Call(ctx, workflow, nil)
	if err != nil {
		return fmt.Errorf("listing the workflows: %w", err)
	}
	finalized := 0
	for _, w := range workflows {
		if w.Result.Finalized {
			finalized++
		}
	}
	s.Line("")
	s.Line("The workflow remembers %d runs, %d of them finalized.", len(workflows), finalized)
	return nil
}

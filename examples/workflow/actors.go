package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/workflow/flow"
)

const (
	coldest, hottest = -90, 60 // degrees Celsius that a station can measure
	keptWorkflows    = 100     // a record is written whole, so it should not grow for ever
)

// actors are what a host of the workflow runs.
var actors = []actorhost.Definition{
	actorhost.Define(stateless, actorhost.On(flow.Initialize, initialize)),
	actorhost.Define(stateless, actorhost.On(flow.Validate, validate)),
	actorhost.Define(stateless, actorhost.On(flow.Finalize, finalize)),
	actorhost.Define(func() workflowState { return workflowState{} },
		actorhost.On(flow.ExecuteWorkflow, (*workflowState).executeWorkflow),
		actorhost.On(flow.ListWorkflows, actorhost.NoIn((*workflowState).listWorkflows))),
}

// none is the state of the actors that do one step: they keep nothing.
type none struct{}

func stateless() none { return none{} }

func initialize(_ *none, _ *actorhost.Context, job flow.Job) (flow.Data, error) {
	data := flow.Data{WorkflowID: job.WorkflowID}
	for word := range strings.FieldsSeq(job.Readings) {
		reading, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return flow.Data{}, flow.ErrUnreadable.With("word", word)
		}
		data.Celsius = append(data.Celsius, reading)
	}
	return data, nil
}

func validate(_ *none, _ *actorhost.Context, data flow.Data) (flow.Validation, error) {
	validation := flow.Validation{Data: data}
	if len(data.Celsius) == 0 {
		validation.Problems = append(validation.Problems, "there are no readings")
	}
	for i, reading := range data.Celsius {
		if !(coldest <= reading && reading <= hottest) { // not a number is neither
			validation.Problems = append(validation.Problems,
				fmt.Sprintf("reading %d is %g °C, outside of %d to %d °C", i+1, reading, coldest, hottest))
		}
	}
	validation.Valid = len(validation.Problems) == 0
	return validation, nil
}

func finalize(_ *none, _ *actorhost.Context, validation flow.Validation) (flow.Result, error) {
	if !validation.Valid {
		return flow.Result{Problems: validation.Problems}, nil
	}
	sum := 0.0
	for _, reading := range validation.Data.Celsius {
		sum += reading
	}
	return flow.Result{Finalized: true, Mean: sum / float64(len(validation.Data.Celsius))}, nil
}

// workflowState is what the coordinator remembers.
type workflowState struct {
	Workflows []flow.Completed `json:"workflows"`
}

// executeWorkflow hands the answer of each step to the next one. The first error ends the workflow: its caller gets it
// as the step made it, and nothing is kept.
func (s *workflowState) executeWorkflow(c *actorhost.Context, job flow.Job) (flow.Result, error) {
	data, err := flow.Initialize.Call(c, troupe.GetOrCreate[flow.DataProcessor](c, "main"), job)
	if err != nil {
		return flow.Result{}, err
	}
	validation, err := flow.Validate.Call(c, troupe.GetOrCreate[flow.Validator](c, "main"), data)
	if err != nil {
		return flow.Result{}, err
	}
	result, err := flow.Finalize.Call(c, troupe.GetOrCreate[flow.Finalizer](c, "main"), validation)
	if err != nil {
		return flow.Result{}, err
	}
	s.Workflows = append(s.Workflows, flow.Completed{WorkflowID: job.WorkflowID, Result: result, CompletedAt: time.Now().UTC()})
	s.Workflows = s.Workflows[max(0, len(s.Workflows)-keptWorkflows):]
	return result, nil
}

func (s *workflowState) listWorkflows(*actorhost.Context) ([]flow.Completed, error) {
	return s.Workflows, nil
}

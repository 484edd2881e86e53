// Package flow is the contract of a workflow that takes the readings of a weather station through three actors.
package flow

import (
	"time"

	"github.com/troupe-go/troupe"
)

// DataProcessor refers to what makes data of a text: the first step.
type DataProcessor struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (DataProcessor) ActorType() string { return "dataProcessor" }

// Validator refers to what checks data: the second step.
type Validator struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Validator) ActorType() string { return "validator" }

// Finalizer refers to what draws the conclusion: the third step.
type Finalizer struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Finalizer) ActorType() string { return "finalizer" }

// Workflow refers to what takes a job through the steps.
type Workflow struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Workflow) ActorType() string { return "workflow" }

var (
	// Initialize reads a job, or refuses it with ErrUnreadable.
	Initialize = troupe.NewAction[DataProcessor, Job, Data]("initialize")
	// Validate says whether data can be true. Data that cannot is an answer and not an error.
	Validate = troupe.NewAction[Validator, Data, Validation]("validate")
	// Finalize sums up data that is valid, and leaves other data alone.
	Finalize = troupe.NewAction[Finalizer, Validation, Result]("finalize")

	// ExecuteWorkflow takes a job through the three steps and keeps the result.
	ExecuteWorkflow = troupe.NewAction[Workflow, Job, Result]("executeWorkflow")
	// ListWorkflows returns the latest results, the oldest first.
	ListWorkflows = troupe.NewAction[Workflow, troupe.None, []Completed]("listWorkflows")

	// ErrUnreadable has in its metadata the word that is no number.
	ErrUnreadable = troupe.NewError("unreadable", "the readings are no list of numbers")
)

// Job is what a workflow starts with.
type Job struct {
	WorkflowID string `json:"workflowId"`
	Readings   string `json:"readings"` // numbers with spaces between them
}

// Data is a job that has been read.
type Data struct {
	WorkflowID string    `json:"workflowId"`
	Celsius    []float64 `json:"celsius"`
}

// Validation is data and what was found out about it.
type Validation struct {
	Valid    bool     `json:"valid"`
	Problems []string `json:"problems,omitempty"`
	Data     Data     `json:"data"`
}

// Result is what a workflow ends with.
type Result struct {
	Finalized bool     `json:"finalized"`
	Mean      float64  `json:"mean"` // of data that was finalized
	Problems  []string `json:"problems,omitempty"`
}

// Completed is a workflow that has come to its end.
type Completed struct {
	WorkflowID  string    `json:"workflowId"`
	Result      Result    `json:"result"`
	CompletedAt time.Time `json:"completedAt"`
}

package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// Status says how the workflow is.
func (w *Workflow) Status() troupe.WorkflowStatus {
	switch {
	case w.Ended != 0 && w.Failure == nil:
		return troupe.WorkflowSucceeded
	case w.Ended != 0 && w.Failure.Code == troupe.CodeCanceled && !w.Failure.FromActor:
		return troupe.WorkflowCanceled
	case w.Ended != 0:
		return troupe.WorkflowFailed
	case w.Stuck != nil:
		return troupe.WorkflowStuck
	case w.Failure != nil:
		return troupe.WorkflowUndoes
	case w.waits():
		return troupe.WorkflowWaits
	}
	return troupe.WorkflowRuns
}

// waits reports whether a step waits, and none is to be tried now.
func (w *Workflow) waits() bool {
	return len(w.Waits) > 0 && !slices.ContainsFunc(w.Waits, func(one WorkflowWait) bool { return one.Kind == WaitRetry && one.Due == 0 })
}

// Show is the workflow as it is shown.
func (w *Workflow) Show() troupe.WorkflowRun {
	return w.ShowSteps(w.Steps(), w.Logged, 0)
}

// ShowSteps is Show with some of the steps: so many were before those, and so many come after them.
func (w *Workflow) ShowSteps(steps []WorkflowStep, before, after int) troupe.WorkflowRun {
	run := w.ShowHead()
	run.Before, run.After = before, after
	run.Input, run.Result, run.Steps = valueOf(w.Input), valueOf(w.Result), make([]troupe.WorkflowStep, 0, len(steps))
	for _, s := range steps {
		run.Steps = append(run.Steps, troupe.WorkflowStep{
			Name: s.Key, Kind: cmp.Or(s.Kind, "step"), Began: timeOf(s.Began), Ended: timeOf(s.Ended), Attempts: s.Attempts,
			Result: valueOf(s.Result), Error: s.Error.text(),
		})
	}
	return run
}

// ShowHead is Show without steps, input and result, which may be large.
func (w *Workflow) ShowHead() troupe.WorkflowRun {
	run := troupe.WorkflowRun{
		Name: w.Name, Status: w.Status(), Began: timeOf(w.Began), Ended: timeOf(w.Ended), Error: w.Failure.text(), Cancel: w.Cancel,
	}
	if stuck := w.Stuck; stuck != nil {
		run.Reason, run.Tries, run.Since, run.Retry = stuck.Reason, stuck.Tries, timeOf(stuck.Since), timeOf(stuck.Due)
	}
	for _, one := range w.Waits {
		run.Waits = append(run.Waits, troupe.WorkflowWait{
			Name: one.Key, Kind: one.Kind, Since: timeOf(one.Since), Until: timeOf(one.Due), Signal: one.Signal, Attempts: one.Attempts,
			Error: one.Error.text(),
		})
	}
	for _, one := range w.Signals {
		run.Signals = append(run.Signals, one.Name)
	}
	return run
}

// Err is the error as callers get it.
func (e *WorkflowError) Err() *troupe.Error {
	return &troupe.Error{Code: e.Code, Message: e.Message, Metadata: e.Metadata, FromActor: e.FromActor}
}

func (e *WorkflowError) text() string {
	if e == nil {
		return ""
	}
	return e.Err().Error()
}

func timeOf(milli int64) time.Time {
	if milli == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milli).UTC()
}

// valueOf is a value as decoding without its type gives it.
func valueOf(data []byte) (value any) {
	if len(data) > 0 {
		_ = codec.MsgPack.Unmarshal(data, &value) // it was encoded by this program, or another one's
	}
	return value
}

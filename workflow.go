package troupe

import (
	"context"
	"errors"
	"time"
)

// Workflow is a function of an actor that goes on whatever dies: each of its steps is remembered, and the function is run
// again from its beginning with what they have given. The run is the actor: an actor has one, and the actor's key is the
// run's. A contract declares it as a package variable; actorhost.OnWorkflow implements it.
type Workflow[R Reference, In, Out any] struct{ name string }

// NewWorkflow declares a workflow by its name on the wire, which is also that of the action that starts it: see
// [NewAction].
func NewWorkflow[R Reference, In, Out any](name string) Workflow[R, In, Out] {
	return Workflow[R, In, Out]{name}
}

// Name is the workflow's name on the wire.
func (w Workflow[R, In, Out]) Name() string { return w.name }

// Start starts the workflow of the actor that ref refers to, and returns once that is stored: from then on it goes on by
// itself. Starting it again with the same input changes nothing, also when it is over. The error is [ErrRequestReused] if
// the actor has run, or runs, a workflow with another input or another name.
func (w Workflow[R, In, Out]) Start(ctx context.Context, ref R, in In) error {
	return ref.embedTroupeRef().invoke(ctx, ref.ActorType(), w.name, in, nil)
}

// Result waits until the workflow is over, or ctx is done, and returns what it has given. The error is that of the
// workflow, [ErrCanceled] if it was canceled, [ErrNotFound] if it was never started or is forgotten, and
// [ErrUnfinished] if ctx was done before.
func (w Workflow[R, In, Out]) Result(ctx context.Context, ref R) (Out, error) {
	for {
		var out Out
		err := ref.embedTroupeRef().toExisting().invoke(ctx, ref.ActorType(), ResultAction, w.name, &out)
		_, limited := ctx.Deadline()
		switch {
		case limited && errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			return out, &Error{Code: CodeUnfinished, Message: "nobody waits any more for the workflow, which is still under way", Err: err}
		case !errors.Is(err, ErrUnfinished) || ctx.Err() != nil:
			return out, err
		}
	}
}

// Run is [Workflow.Start] and [Workflow.Result] in one.
func (w Workflow[R, In, Out]) Run(ctx context.Context, ref R, in In) (Out, error) {
	if err := w.Start(ctx, ref, in); err != nil {
		var none Out
		return none, err
	}
	return w.Result(ctx, ref)
}

// Cancel has the next step of the workflow, or the one that waits, fail with [ErrCanceled]; so what was done is undone,
// unless the workflow handles the error. It returns once that is stored. A workflow that is over stays as it is.
func (w Workflow[R, In, Out]) Cancel(ctx context.Context, ref R, reason string) error {
	return ref.embedTroupeRef().toExisting().invoke(ctx, ref.ActorType(), CancelWorkflowAction, reason, nil)
}

// Show tells how far the workflow is. It does not wake the actor.
func (w Workflow[R, In, Out]) Show(ctx context.Context, ref R) (WorkflowRun, error) {
	var run WorkflowRun
	err := ref.embedTroupeRef().toExisting().invoke(ctx, ref.ActorType(), WorkflowAction, nil, &run)
	return run, err
}

// ShowPage is Show with other steps than the last.
func (w Workflow[R, In, Out]) ShowPage(ctx context.Context, ref R, page WorkflowPage) (WorkflowRun, error) {
	var run WorkflowRun
	err := ref.embedTroupeRef().toExisting().invoke(ctx, ref.ActorType(), WorkflowAction, page, &run)
	return run, err
}

// Signal is what a workflow waits for: a value that somebody sends to its actor. It is stored before Send returns, and taken
// by the first wait for it, also if that begins later.
type Signal[R Reference, M any] struct{ action Action[R, M, None] }

// NewSignal declares a signal by its name on the wire, which is also that of the action that sends it: see [NewAction].
func NewSignal[R Reference, M any](name string) Signal[R, M] {
	return Signal[R, M]{NewAction[R, M, None](name)}
}

// Name is the signal's name on the wire.
func (s Signal[R, M]) Name() string { return s.action.name }

// Send sends the signal to the workflow of the actor that ref refers to. The error is [ErrNotFound] if none is under way, and
// [ErrOverloaded] if a thousand signals wait there.
func (s Signal[R, M]) Send(ctx context.Context, ref R, m M) error {
	_, err := s.action.Call(ctx, ref, m)
	return err
}

// The actions by which workflows are looked after. Every actor type has them.
const (
	// ResultAction waits for the end of the workflow with the name in its input, for some seconds. The output is that of the
	// workflow, the error its error. [ErrUnfinished] says that it still runs: ask again.
	ResultAction = "_result"
	// WorkflowAction returns a [WorkflowRun]. Its input may be a [WorkflowPage]. It does not wake the actor.
	WorkflowAction = "_workflow"
	// CancelWorkflowAction cancels a workflow: see [Workflow.Cancel]. Its input is the reason.
	CancelWorkflowAction = "_workflow_cancel"
	// RetryWorkflowAction has a workflow that is stuck tried again at once.
	RetryWorkflowAction = "_workflow_retry"
)

// WorkflowStatus says how a workflow is.
type WorkflowStatus string

// How a workflow is.
const (
	WorkflowRuns      WorkflowStatus = "running"
	WorkflowWaits     WorkflowStatus = "waiting" // for a time or a signal; the actor may sleep
	WorkflowUndoes    WorkflowStatus = "undoing" // it has failed, and what it has done is undone
	WorkflowStuck     WorkflowStatus = "stuck"   // it cannot go on with this program: see Reason
	WorkflowSucceeded WorkflowStatus = "succeeded"
	WorkflowFailed    WorkflowStatus = "failed"
	WorkflowCanceled  WorkflowStatus = "canceled"
)

// Over reports whether the workflow is over.
func (s WorkflowStatus) Over() bool {
	return s == WorkflowSucceeded || s == WorkflowFailed || s == WorkflowCanceled
}

// WorkflowRun is a workflow of an actor.
type WorkflowRun struct {
	Name   string         `json:"name"`
	Status WorkflowStatus `json:"status"`
	Began  time.Time      `json:"began"`
	Ended  time.Time      `json:"ended,omitzero"`
	Input  any            `json:"input"` // as decoding without its type gives it; so are all values here
	Result any            `json:"result"`
	Error  string         `json:"error,omitempty"`  // that it has failed with, or fails with once it is undone
	Reason string         `json:"reason,omitempty"` // why it is stuck
	Tries  int            `json:"tries,omitempty"`  // since it is stuck
	Since  time.Time      `json:"since,omitzero"`   // when it was stuck first
	Retry  time.Time      `json:"retry,omitzero"`   // when it is tried again; zero if that is now, or it is not stuck
	Cancel string         `json:"cancel,omitempty"` // why its next step is to fail
	Steps  []WorkflowStep `json:"steps"`            // that are done, in order; of many, the last
	Before int            `json:"before,omitempty"` // how many there were before those: see [WorkflowPage]
	After  int            `json:"after,omitempty"`  // how many come after those
	Waits  []WorkflowWait `json:"waits,omitempty"`
	// Signals are the names of those that nobody has waited for yet.
	Signals []string `json:"signals,omitempty"`
}

// WorkflowPage says which steps of a workflow are wanted. The zero value is the last of them, as many as there are in the record of the
// actor: for those before, ask again with the Before of the answer as Until. Once a workflow is over, those that the record does not
// have are forgotten: then there are none. A host of an older version answers with the last
// whatever is asked: then Before and the steps do not add up to Until.
type WorkflowPage struct {
	Until int `json:"until,omitempty"` // how many steps of the run come before the end of the page; zero: all
	Limit int `json:"limit,omitempty"` // how many are wanted; zero, or above 500, is 500. There may be fewer, but one at least
}

// WorkflowStep is a step of a workflow that is done.
type WorkflowStep struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"` // step, update, sleep, signal, version or undo
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended"`
	Attempts int       `json:"attempts,omitempty"` // if more than one
	Result   any       `json:"result"`
	Error    string    `json:"error,omitempty"`
}

// WorkflowWait is a step that waits.
type WorkflowWait struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"` // sleep, signal or retry
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"`     // zero: for ever
	Signal   string    `json:"signal,omitempty"`   // that it waits for
	Attempts int       `json:"attempts,omitempty"` // that have failed
	Error    string    `json:"error,omitempty"`    // of the last of them
}

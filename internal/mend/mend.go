// Package mend has what the command line and the pages of package inspect change alike: a host that is drained, dead letters,
// schedules, the workflow of an actor.
package mend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// Invoke makes a call with JSON as input and output.
type Invoke func(ctx context.Context, call troupe.Invocation) (json.RawMessage, error)

// Drain asks a host to stop cleanly. It does not wait for the end.
func Drain(ctx context.Context, l *look.Looker, ns wire.Namespace, host string) error {
	err := l.Ask(ctx, ns.Drain(host), nil, nil)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &troupe.Error{Code: troupe.CodeOutcomeUnknown, Err: err,
			Message: fmt.Sprintf("the host %s was asked to drain and does not reply", host)}
	case err != nil:
		return fmt.Errorf("asking the host %s to drain: %w", host, err)
	}
	return nil
}

// Bury has a dead letter handled again, or deletes it, or makes one of the next message in order. The error is [troupe.ErrNotFound] if
// there is none.
func Bury(ctx context.Context, invoke Invoke, id troupe.ID, r troupe.DeadRequest) error {
	missing := errs.New(troupe.CodeNotFound, "%s has no dead letter %s in %s", look.ActorText(id), r.ID, r.Queue)
	if r.Skip {
		missing = errs.New(troupe.CodeNotFound, "%s is not the next message in %s of %s: see troupe queue ls",
			r.ID, r.Queue, look.ActorText(id))
	}
	return whatIsThere(ctx, invoke, troupe.Invocation{ID: id, Action: troupe.DeadAction, Existing: true, In: r}, missing)
}

// Schedule calls an action about a schedule of an actor: [troupe.FireAction] has it run now, or what was given up under its name run
// again; [troupe.UnscheduleAction] removes it. The error is [troupe.ErrNotFound] if there is none.
func Schedule(ctx context.Context, invoke Invoke, id troupe.ID, action, name string) error {
	return whatIsThere(ctx, invoke, troupe.Invocation{ID: id, Action: action, Existing: true, In: name},
		errs.New(troupe.CodeNotFound, "%s has no schedule %s", look.ActorText(id), name))
}

// whatIsThere makes a call whose output says whether what it is about was there. If not, the error is missing.
func whatIsThere(ctx context.Context, invoke Invoke, call troupe.Invocation, missing *troupe.Error) error {
	output, err := invoke(ctx, call)
	if err != nil {
		return err
	}
	var found bool
	if err := json.Unmarshal(output, &found); err != nil {
		return fmt.Errorf("what a host says of %s cannot be read: %w", look.ActorText(call.ID), err)
	}
	if !found {
		return missing
	}
	return nil
}

// ErrOver is the error of a change of a workflow that is over.
var ErrOver = errors.New("nothing is changed")

// Workflow calls an action that changes the workflow of an actor, unless that is over. With [troupe.CancelWorkflowAction], the input is
// the reason.
func Workflow(ctx context.Context, invoke Invoke, id troupe.ID, run *troupe.WorkflowRun, action string, input any) error {
	if run.Status.Over() {
		has := "has"
		if run.Status == troupe.WorkflowCanceled {
			has = "was"
		}
		return fmt.Errorf("%s of %s %s %s already: %w", run.Name, look.ActorText(id), has, run.Status, ErrOver)
	}
	_, err := invoke(ctx, troupe.Invocation{ID: id, Action: action, Existing: true, In: input})
	return err
}

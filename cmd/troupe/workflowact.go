package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/mend"
)

// workflowStartCommand is the verb workflow start.
type workflowStartCommand struct {
	actorArgs
	Workflow string  `arg:"" help:"Name of the workflow."`
	Input    *string `arg:"" name:"json" optional:"" help:"Input as JSON; - reads it from stdin. Without it, piped stdin is read."`
	Wait     bool    `help:"Wait until it is over, and print what it has given."`
}

// Help is shown by troupe workflow start --help.
func (*workflowStartCommand) Help() string {
	return `An actor has one workflow, and its key is that of the run. Once it is started it goes on by itself. Starting it again ` +
		`with the same input changes nothing; with another input, or where the actor has another workflow, the error is ` +
		`request_reused.`
}

func (c *workflowStartCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err == nil {
		err = troupe.CheckName("workflow", c.Workflow)
	}
	if err != nil {
		return err
	}
	given, err := readJSON(ctx, e.in, c.Input, "input")
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		if err := conn.send(ctx, id, c.Workflow, given, false); err != nil {
			return err
		}
		if c.Wait {
			return conn.printResult(ctx, id, c.Workflow, true)
		}
		if run, err := conn.workflowOf(ctx, id); err != nil || run.Name != c.Workflow {
			return errors.Join(usageError{fmt.Errorf("%s of %s is an action and no workflow: it has run", c.Workflow, actorText(id))}, err)
		}
		return conn.tell(id, c.Workflow, "runs")
	})
}

// workflowSignalCommand is the verb workflow signal.
type workflowSignalCommand struct {
	actorArgs
	Signal string  `arg:"" help:"Name of the signal."`
	Input  *string `arg:"" name:"json" optional:"" help:"Value as JSON; - reads it from stdin. Without it, piped stdin is read."`
}

// Help is shown by troupe workflow signal --help.
func (*workflowSignalCommand) Help() string {
	return `The signal is stored, and taken by the first wait for it, also if that begins later. If no workflow is under way, the ` +
		`exit code is 3.`
}

func (c *workflowSignalCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err == nil {
		err = troupe.CheckName("signal", c.Signal)
	}
	if err != nil {
		return err
	}
	given, err := readJSON(ctx, e.in, c.Input, "value")
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		if err := conn.send(ctx, id, c.Signal, given, true); err != nil {
			return err
		}
		return conn.tell(id, c.Signal, "is sent")
	})
}

// send calls an action without an output.
func (c connection) send(ctx context.Context, id troupe.ID, action string, given json.RawMessage, existing bool) error {
	var input any // no input
	if given != nil {
		input = given
	}
	_, err := c.invoke(ctx, troupe.Invocation{ID: id, Action: action, Existing: existing, In: input})
	return c.explainUnknownType(ctx, id.Type(), err)
}

// workflowCancelCommand is the verb workflow cancel.
type workflowCancelCommand struct {
	actorArgs
	Reason string `arg:"" help:"Why, as those read who wait for the result."`
}

// Help is shown by troupe workflow cancel --help.
func (*workflowCancelCommand) Help() string {
	return `The step that waits, or else the next one, fails with this reason. So what the workflow has done is undone, unless it ` +
		`handles the error. It does not wait for that. If the workflow is over, nothing is changed, and the exit code is 7.`
}

func (c *workflowCancelCommand) run(ctx context.Context, e env) error {
	return c.change(ctx, e, troupe.CancelWorkflowAction, c.Reason, "is to end")
}

// workflowRetryCommand is the verb workflow retry.
type workflowRetryCommand struct{ actorArgs }

// Help is shown by troupe workflow retry --help.
func (*workflowRetryCommand) Help() string {
	return `A workflow that is stuck goes on at once, if this program fits it. If it is stuck because a step may have made its calls ` +
		`long ago, they are made again: look before whether they have run. A step that has failed is tried at once. If the ` +
		`workflow is over, nothing is changed, and the exit code is 7.`
}

func (c *workflowRetryCommand) run(ctx context.Context, e env) error {
	return c.change(ctx, e, troupe.RetryWorkflowAction, nil, "is tried again")
}

// change calls an action that changes a workflow which is under way.
func (a actorArgs) change(ctx context.Context, e env, action string, input any, done string) error {
	id, err := a.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		run, err := conn.workflowOf(ctx, id)
		if err != nil {
			return err
		}
		switch err := mend.Workflow(ctx, conn.invoke, id, &run.WorkflowRun, action, input); {
		case errors.Is(err, mend.ErrOver):
			return conflictError{err}
		case err != nil:
			return conn.explainUnknownType(ctx, id.Type(), err)
		}
		return conn.tell(id, run.Name, done)
	})
}

// tell says what was done with a workflow, or a signal for it.
func (c connection) tell(id troupe.ID, name, done string) error {
	if c.json {
		return c.printLine(struct {
			scheduleRef
			Done string `json:"done"`
		}{refTo(id, name), done})
	}
	fmt.Fprintf(c.err, "%s %s\n", workflowName(id, name), done)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
)

// workflowResultCommand is the verb workflow result.
type workflowResultCommand struct {
	actorArgs
	Wait bool `help:"Wait until it is over, however long that takes."`
}

// Help is shown by troupe workflow result --help.
func (*workflowResultCommand) Help() string {
	return `The result goes to stdout, as that of call does. If the workflow has failed or was canceled, its error is printed, and ` +
		`the exit code is 1. If it is still under way, the exit code is 4. If the actor has no workflow, or it has forgotten it, ` +
		`the exit code is 3.`
}

func (c *workflowResultCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		run, err := conn.workflowOf(ctx, id)
		switch {
		case err != nil:
			return err
		case !run.Status.Over() && !c.Wait:
			unfinished := fmt.Sprintf("%s is %s: see troupe workflow show", workflowName(id, run.Name), run.Status)
			return &troupe.Error{Code: troupe.CodeUnfinished, Message: unfinished}
		}
		return conn.printResult(ctx, id, run.Name, c.Wait)
	})
}

// endedError is the error of a workflow that is over.
type endedError struct{ error }

func (e endedError) Unwrap() error { return e.error }

// printResult prints what a workflow has given, once it is over.
func (c connection) printResult(ctx context.Context, id troupe.ID, name string, wait bool) error {
	for {
		output, err := c.invoke(ctx, troupe.Invocation{ID: id, Action: troupe.ResultAction, Existing: true, In: name})
		switch {
		case err == nil && len(output) == 0:
			return nil
		case err == nil:
			return printJSON(c.out, output, isTerminal(c.out) && !c.json)
		case wait && ctx.Err() == nil && errors.Is(err, troupe.ErrUnfinished):
			continue
		case wait && ctx.Err() != nil: // who only waits changes nothing
			return fmt.Errorf("waiting for the result of %s: %w", workflowName(id, name), ctx.Err())
		}
		if run, errShow := c.workflowOf(ctx, id); errShow == nil && run.Name == name && run.Error != "" && run.Status.Over() {
			return endedError{err}
		}
		return c.explainUnknownType(ctx, id.Type(), err)
	}
}

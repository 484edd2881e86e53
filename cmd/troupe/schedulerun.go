package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/mend"
)

// scheduleRunCommand is the verb schedule run.
type scheduleRunCommand struct{ scheduleArgs }

// Help is shown by troupe schedule run --help.
func (*scheduleRunCommand) Help() string {
	return `One that recurs runs once more than it would, and keeps its times. One that has failed is tried at once, and what was ` +
		`given up under the name runs again. It does not wait for the action. If there is no such schedule, the exit code is 3.`
}

func (c *scheduleRunCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error { return conn.fire(ctx, id, c.Name) })
}

// fire has a schedule run now, and says so.
func (c connection) fire(ctx context.Context, id troupe.ID, name string) error {
	if err := mend.Schedule(ctx, c.invoke, id, troupe.FireAction, name); err != nil {
		return c.explainUnknownType(ctx, id.Type(), err)
	}
	if c.json {
		return c.printLine(struct {
			scheduleRef
			Runs bool `json:"runs"`
		}{refTo(id, name), true})
	}
	fmt.Fprintf(c.err, "%s of %s runs now\n", name, actorText(id))
	return nil
}

// scheduleRetryCommand is the verb schedule retry.
type scheduleRetryCommand struct {
	actorArgs
	Name string `arg:"" optional:"" name:"schedule" help:"Name of the schedule (default: all that were given up)."`
}

// Help is shown by troupe schedule retry --help.
func (*scheduleRetryCommand) Help() string {
	return `A run that fails is tried 20 times, or until the next one is due, and then given up: troupe schedule ls --parked shows ` +
		`which. Retry begins with the first attempt again. It does not wait for the action. If nothing was given up, the exit code is 3.`
}

func (c *scheduleRetryCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err == nil && c.Name != "" {
		err = troupe.CheckName("schedule", c.Name)
	}
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		lines, err := conn.askSchedules(ctx, id)
		if err != nil {
			return conn.explainUnknownType(ctx, id.Type(), err)
		}
		retried := 0
		for _, line := range lines {
			if !line.Parked || c.Name != "" && line.Name != c.Name {
				continue
			}
			if err := conn.fire(ctx, id, line.Name); err != nil {
				return err
			}
			retried++
		}
		switch {
		case retried > 0:
			return nil
		case c.Name != "":
			return nothingFound("no run of %s of %s was given up", c.Name, actorText(id))
		}
		return nothingFound("no run of a schedule of %s was given up", actorText(id))
	})
}

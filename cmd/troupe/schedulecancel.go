package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/mend"
)

// scheduleCancelCommand is the verb schedule cancel.
type scheduleCancelCommand struct{ scheduleArgs }

// Help is shown by troupe schedule cancel --help.
func (*scheduleCancelCommand) Help() string {
	return `What was given up under the name is removed too. Once it is cancelled, it does not run any more. If there is no such ` +
		`schedule, the exit code is 3.`
}

func (c *scheduleCancelCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		if err := mend.Schedule(ctx, conn.invoke, id, troupe.UnscheduleAction, c.Name); err != nil {
			return conn.explainUnknownType(ctx, id.Type(), err)
		}
		if e.json {
			return e.printLine(struct {
				scheduleRef
				Cancelled bool `json:"cancelled"`
			}{refTo(id, c.Name), true})
		}
		fmt.Fprintf(e.err, "cancelled %s of %s\n", c.Name, actorText(id))
		return nil
	})
}

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/troupe-go/troupe"
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
		found, err := conn.bySchedule(ctx, id, troupe.UnscheduleAction, c.Name)
		switch {
		case err != nil:
			return err
		case !found:
			return noSchedule(id, c.Name)
		case e.json:
			return e.printLine(struct {
				scheduleRef
				Cancelled bool `json:"cancelled"`
			}{refTo(id, c.Name), true})
		}
		fmt.Fprintf(e.err, "cancelled %s of %s\n", c.Name, actorText(id))
		return nil
	})
}

// bySchedule calls an action that takes the name of a schedule, and tells whether there is one. It creates no actor.
func (c connection) bySchedule(ctx context.Context, id troupe.ID, action, name string) (found bool, err error) {
	output, err := c.invoke(ctx, troupe.Invocation{ID: id, Action: action, Existing: true, In: name})
	if err != nil {
		return false, c.explainUnknownType(ctx, id.Type(), err)
	}
	if err := json.Unmarshal(output, &found); err != nil {
		return false, fmt.Errorf("what %s says of %s cannot be read: %w", actorText(id), name, err)
	}
	return found, nil
}

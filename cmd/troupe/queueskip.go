package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// queueSkipCommand is the verb queue skip.
type queueSkipCommand struct {
	queueArgs
	ID string `arg:"" name:"id" optional:"" help:"ID of the message, to be certain that it is no other."`
}

// Help is shown by troupe queue skip --help.
func (*queueSkipCommand) Help() string {
	return `Of a queue in order, the next message becomes a dead letter, and those behind it are handled at once: troupe queue ls says ` +
		`what holds it up. It is kept, and troupe queue retry puts it at the end of the queue. If no message waits, or the one with the ` +
		`ID is not the next, the exit code is 3.`
}

func (c *queueSkipCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		message := c.ID
		if message == "" {
			asking, cancel := context.WithTimeout(ctx, e.timeout)
			defer cancel()
			if message, err = store.FirstInOrder(asking, conn.nc, conn.namespace, id, c.Queue); err != nil {
				return fmt.Errorf("reading the queue %s of %s: %w", c.Queue, actorText(id), err)
			}
		}
		if message == "" {
			return nothingFound("no message waits in %s of %s, or it is not in order", c.Queue, actorText(id))
		}
		return conn.bury(ctx, id, troupe.DeadRequest{Queue: c.Queue, ID: message, Skip: true})
	})
}

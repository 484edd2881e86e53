package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/mend"
)

// queueRetryCommand is the verb queue retry.
type queueRetryCommand struct{ deadArgs }

// Help is shown by troupe queue retry --help.
func (*queueRetryCommand) Help() string {
	return `Each begins with the first attempt again, at the end of its queue if that is in order. It does not wait for that. If there ` +
		`is no such dead letter, the exit code is 3.`
}

func (c *queueRetryCommand) run(ctx context.Context, e env) error { return c.each(ctx, e, true) }

// queueDropCommand is the verb queue drop.
type queueDropCommand struct{ deadArgs }

// Help is shown by troupe queue drop --help.
func (*queueDropCommand) Help() string {
	return `What is deleted is gone. If there is no such dead letter, the exit code is 3.`
}

func (c *queueDropCommand) run(ctx context.Context, e env) error { return c.each(ctx, e, false) }

// deadArgs name dead letters of a queue.
type deadArgs struct {
	queueArgs
	ID  []string `arg:"" name:"id" optional:"" help:"ID of the dead letter, as troupe queue dead shows it."`
	All bool     `help:"All of the queue."`
}

// each retries or drops each of them.
func (c *deadArgs) each(ctx context.Context, e env, retry bool) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if c.All == (len(c.ID) > 0) {
		return usageError{errors.New("which? Give IDs, or --all")}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		messages := c.ID
		if c.All {
			letters, err := conn.deadLetters(ctx, id, c.Queue)
			if err != nil {
				return err
			}
			for _, letter := range letters {
				messages = append(messages, letter.ID)
			}
		}
		for _, message := range messages {
			if err := conn.bury(ctx, id, troupe.DeadRequest{Queue: c.Queue, ID: message, Retry: retry}); err != nil {
				return err
			}
		}
		if len(messages) == 0 {
			return nothingFound("%s has no dead letters in %s", actorText(id), c.Queue)
		}
		return nil
	})
}

// bury retries or drops a dead letter, or makes one of the next message in order, and says so.
func (c connection) bury(ctx context.Context, id troupe.ID, r troupe.DeadRequest) error {
	if err := mend.Bury(ctx, c.invoke, id, r); err != nil {
		return c.explainUnknownType(ctx, id.Type(), err)
	}
	switch {
	case c.json && r.Skip:
		return c.printLine(messageRef{refToQueue(id, r.Queue), r.ID})
	case c.json:
		return c.printLine(struct {
			messageRef
			Retried bool `json:"retried"` // else it is deleted
		}{messageRef{refToQueue(id, r.Queue), r.ID}, r.Retry})
	case r.Skip:
		fmt.Fprintf(c.err, "%s of %s is a dead letter now: see troupe queue dead\n", r.ID, actorText(id))
	case r.Retry:
		fmt.Fprintf(c.err, "%s of %s is handled again\n", r.ID, actorText(id))
	default:
		fmt.Fprintf(c.err, "%s of %s is deleted\n", r.ID, actorText(id))
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
)

// queuePushCommand is the verb queue push.
type queuePushCommand struct {
	queueArgs
	Message *string `arg:"" name:"json" optional:"" help:"Message as JSON; - reads it from stdin. Without it, piped stdin is read."`

	ID       string         `name:"id" placeholder:"ID" help:"Of those that are pushed with this ID within 15 minutes, one takes effect."`
	At       string         `placeholder:"TIME" help:"Not before that time, such as 2027-01-31T09:00:00+01:00 or 09:00, the next one."`
	After    *time.Duration `placeholder:"DURATION" help:"So much later, such as 90s or 36h."`
	InOrder  bool           `help:"The queue is in order. Without it the message gets its place there when a host has taken it."`
	Existing bool           `help:"It must not create the actor: if there is none, it becomes a dead letter."`
}

// Help is shown by troupe queue push --help.
func (*queuePushCommand) Help() string {
	return `It is stored when the command ends, and does not wait until the actor has handled it. If the queue is full, that is ` +
		`overloaded. With --id it is safe to type again, also after exit code 6.`
}

func (c *queuePushCommand) run(ctx context.Context, e env) error {
	id, err := c.queueArgs.id()
	if err != nil {
		return err
	}
	p := troupe.PushRequest{ID: id, Queue: c.Queue, PushID: c.ID, InOrder: c.InOrder, Existing: c.Existing}
	switch {
	case c.At != "" && c.After != nil:
		return usageError{errors.New("when? Give one of --at and --after")}
	case c.At != "":
		if p.NotBefore, err = parseTime(c.At, time.Now()); err != nil {
			return usageError{err}
		}
	case c.After != nil && *c.After < 0:
		return usageError{fmt.Errorf("--after %v is in the past", *c.After)}
	case c.After != nil:
		p.NotBefore = time.Now().Add(*c.After)
	}
	message, err := readJSON(ctx, e.in, c.Message, "message")
	if err != nil {
		return err
	}
	if message != nil {
		p.Message = message
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		cl, err := conn.newClient()
		if err != nil {
			return err
		}
		pushing, cancel := context.WithTimeout(ctx, e.timeout)
		defer cancel()
		if err := errors.Join(cl.Push(pushing, p), cl.Close(context.WithoutCancel(ctx))); err != nil {
			return err
		}
		if e.json {
			return e.printLine(refToQueue(id, c.Queue))
		}
		fmt.Fprintf(e.err, "pushed to %s of %s\n", c.Queue, actorText(id))
		return nil
	})
}

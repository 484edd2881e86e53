package main

import (
	"context"
	"errors"
	"iter"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/jsoncall"
)

// streamCommand is the verb stream.
type streamCommand struct {
	actorArgs
	Stream string  `arg:"" help:"Stream."`
	Input  *string `arg:"" name:"json" optional:"" help:"Input as JSON; - reads it from stdin. Without it, piped stdin is read."`

	Existing bool `help:"Fail if there is no such actor, instead of creating it."`
	Count    int  `placeholder:"N" help:"End after N values."`
}

// Help is shown by troupe stream --help.
func (*streamCommand) Help() string {
	return `Each value is one line of JSON. An interrupt (Ctrl-C) ends the stream, and the actor hears that. --timeout is for the ` +
		`opening alone.

  troupe stream writer main write '{"about":"spring"}' | jq -r .text`
}

func (c *streamCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := troupe.CheckName("stream", c.Stream); err != nil {
		return err
	}
	given, err := readJSON(ctx, e.in, c.Input, "input")
	if err != nil {
		return err
	}
	request := troupe.StreamRequest{ID: id, Stream: c.Stream, Existing: c.Existing}
	if given != nil {
		request.In = given
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		cl, err := conn.newClient()
		if err != nil {
			return err
		}
		err = c.print(e, cl.Stream(ctx, request))
		return errors.Join(conn.explainUnknownType(ctx, id.Type(), err), cl.Close(context.WithoutCancel(ctx)))
	})
}

func (c *streamCommand) print(e env, values iter.Seq2[func(any) error, error]) error {
	printed := 0
	for decode, err := range values {
		if err != nil {
			return err
		}
		value, err := jsoncall.Payload(decode)
		if err != nil {
			return err
		}
		if err := printJSON(e.out, value, false); err != nil {
			return err
		}
		if printed++; printed == c.Count {
			return nil
		}
	}
	return nil
}

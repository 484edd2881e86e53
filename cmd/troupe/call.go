package main

import (
	"context"

	"github.com/troupe-go/troupe"
)

// callCommand is the verb call.
type callCommand struct {
	actorArgs
	Action string  `arg:"" help:"Action."`
	Input  *string `arg:"" name:"json" optional:"" help:"Input as JSON; - reads it from stdin. Without it, piped stdin is read."`

	RequestID string `name:"request-id" placeholder:"ID" help:"Run once, however often it is called with this ID."`
	Existing  bool   `help:"Fail if there is no such actor, instead of creating it."`
	Raw       bool   `short:"r" help:"Write the output in one line, on a terminal too."`
}

// Help is shown by troupe call --help.
func (*callCommand) Help() string {
	return `The output goes to stdout, indented on a terminal and in one line elsewhere. --json and --raw always write one ` +
		`line. An action without output prints nothing.

--request-id makes a call that changes its actor safe to type again, also after exit code 6: it runs once, and each time ` +
		`prints the first answer, which an actor remembers for 5 minutes at least. Another action or input with the same ID is ` +
		`request_reused.

Without JSON the action gets no input, unless stdin is a pipe or a file: then that is its input. In a script that needs ` +
		`stdin for something else, add < /dev/null.`
}

func (c *callCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := troupe.CheckName("action", c.Action); err != nil {
		return err
	}
	given, err := readJSON(ctx, e.in, c.Input, "input")
	if err != nil {
		return err
	}
	var input any // no input
	if given != nil {
		input = given
	}
	if c.RequestID != "" {
		ctx = troupe.WithRequestID(ctx, c.RequestID)
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		output, err := conn.invoke(ctx, troupe.Invocation{ID: id, Action: c.Action, Existing: c.Existing, In: input})
		if err != nil || len(output) == 0 {
			return conn.explainUnknownType(ctx, id.Type(), err)
		}
		return printJSON(e.out, output, isTerminal(e.out) && !e.json && !c.Raw)
	})
}

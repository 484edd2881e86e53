package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

// callCommand is the verb call.
type callCommand struct {
	address
	Action string  `arg:"" help:"Action."`
	Input  *string `arg:"" name:"json" optional:"" help:"Input as JSON; - reads it from stdin, as does no input when stdin is piped."`

	Existing bool `help:"Fail when there is no such actor, instead of creating it."`
	Raw      bool `short:"r" help:"Write the output in one line on a terminal too."`
}

// errNoOutput is what the codec says of an empty body, which is how an action without output answers.
var errNoOutput = codec.JSON.Unmarshal(nil, new(json.RawMessage))

// Help is shown by troupe call --help.
func (*callCommand) Help() string {
	return `The output goes to stdout: indented on a terminal, in one line elsewhere and with --json or --raw. ` +
		`An action without output prints nothing.

Without JSON the action gets no input, but for a stdin that is a pipe or a file: then it gets what is in there. ` +
		`In a script that has another use for stdin, add < /dev/null.`
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
	var input any // nothing
	if given != nil {
		input = given
	}
	nc, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	output, err := e.call(ctx, nc, troupe.Invocation{ID: id, Action: c.Action, Existing: c.Existing, In: input})
	if err != nil {
		return err
	}
	if len(output) == 0 {
		return nil
	}
	return printJSON(e.out, output, isTerminal(e.out) && !e.json && !c.Raw)
}

// call makes a call whose input and output are JSON.
func (e env) call(ctx context.Context, nc *nats.Conn, call troupe.Invocation) (json.RawMessage, error) {
	cl, err := client.New(nc, client.Config{Namespace: e.namespace.Name(), Codec: codec.JSON})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	var output json.RawMessage
	call.Out = &output
	err = cl.Invoke(ctx, call)
	if err != nil && errors.Is(err, errNoOutput) {
		err = nil
	}
	return output, errors.Join(err, cl.Close(context.WithoutCancel(ctx)))
}

// readJSON returns the JSON of an argument or of stdin, checked, and nil for none. What it is for is for errors.
func readJSON(ctx context.Context, stdin io.Reader, argument *string, what string) (json.RawMessage, error) {
	var body []byte
	switch {
	case argument != nil && *argument != "-":
		body = []byte(*argument)
	case argument != nil || stdin != nil && !isTerminal(stdin):
		var err error
		if body, err = readAll(ctx, stdin); err != nil {
			return nil, fmt.Errorf("reading the %s from stdin: %w", what, err)
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return nil, nil
		}
	default:
		return nil, nil
	}
	var value json.RawMessage
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, usageError{fmt.Errorf("the %s is no JSON: %w (a text needs quotes: '\"text\"')", what, err)}
	}
	return value, nil
}

// readAll is io.ReadAll that an interrupt ends.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(r)
		done <- result{data, err}
	}()
	select {
	case read := <-done:
		return read.data, read.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

// errNoOutput is what the codec says of an empty body, which is how an action without output answers.
var errNoOutput = codec.JSON.Unmarshal(nil, new(json.RawMessage))

// invoke makes a call whose input and output are JSON.
func (c connection) invoke(ctx context.Context, call troupe.Invocation) (json.RawMessage, error) {
	cl, err := c.newClient()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var output json.RawMessage
	call.Out = &output
	err = cl.Invoke(ctx, call)
	if err != nil && errors.Is(err, errNoOutput) {
		err = nil
	}
	return output, errors.Join(err, cl.Close(context.WithoutCancel(ctx)))
}

// newClient makes a client whose calls have inputs and outputs in JSON.
func (c connection) newClient() (*client.Client, error) {
	return client.New(c.nc, client.Config{Namespace: c.namespace.Name(), Codec: codec.JSON})
}

package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

// errNoOutput is what the codec says of an empty body, which is how an action without output answers.
var errNoOutput = codec.JSON.Unmarshal(nil, new(json.RawMessage))

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

package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/jsoncall"
)

// invoke makes a call with JSON as input and output.
func (c connection) invoke(ctx context.Context, call troupe.Invocation) (json.RawMessage, error) {
	cl, err := c.newClient()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	output, err := jsoncall.Invoke(ctx, cl, call, nil)
	return output, errors.Join(err, cl.Close(context.WithoutCancel(ctx)))
}

// newClient returns a client whose calls have JSON as input and output.
func (c connection) newClient() (*client.Client, error) {
	return client.New(c.nc, client.Config{Namespace: c.namespace.Name(), Codec: codec.JSON, Timeout: c.timeout, FailWithoutHost: true})
}

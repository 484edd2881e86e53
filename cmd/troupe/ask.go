package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// errHostSilent is the error of a host that has a lease but does not reply.
var errHostSilent = errors.New("the host does not reply")

// ask sends a request to a host, and decodes the reply into into, unless that is nil. It fails at once where NATS does not allow
// the request.
func (c connection) ask(ctx context.Context, subject string, into any) error {
	return c.askWith(ctx, subject, nil, into)
}

// askWith is ask with a body.
func (c connection) askWith(ctx context.Context, subject string, body []byte, into any) error {
	request := nats.NewMsg(subject)
	request.Data = body
	wire.SetContentType(request.Header, codec.JSON)
	ctx, wait := link.Await(ctx, c.nc, subject, c.timeout)
	answer, err := c.nc.RequestMsgWithContext(ctx, request)
	err = wait.End(err)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return connectionError{fmt.Errorf("%w: %w", errHostSilent, err)}
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", errHostSilent, err)
	case err != nil:
		return err
	}
	if refused := wire.DecodeError(answer); refused != nil {
		return refused
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, into)
}

// maxAsked is how many hosts are asked at the same time.
const maxAsked = 64

// askAll calls ask for each host.
func askAll[Host any](hosts []Host, ask func(*Host)) {
	var asking sync.WaitGroup
	free := make(chan struct{}, maxAsked)
	for i := range hosts {
		free <- struct{}{}
		asking.Go(func() {
			defer func() { <-free }()
			ask(&hosts[i])
		})
	}
	asking.Wait()
}

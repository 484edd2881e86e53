package main

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/look"
)

func (c connection) looker() *look.Looker { return look.New(c.nc, c.namespace, c.timeout) }

// ask sends a request to a host, and decodes the reply into into, unless that is nil. It fails at once where NATS does not allow
// the request.
func (c connection) ask(ctx context.Context, subject string, into any) error {
	err := c.looker().Ask(ctx, subject, nil, into)
	if errors.Is(err, nats.ErrNoResponders) {
		return connectionError{err}
	}
	return err
}

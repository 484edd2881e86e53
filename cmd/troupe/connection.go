package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/bus"
)

// connection is a connection to the server, with the env of the command that needs it.
type connection struct {
	env
	nc *nats.Conn
}

// connect never starts a server.
func (e env) connect(ctx context.Context) (connection, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	nc, err := bus.Connect(ctx, e.config)
	if err != nil && !errors.Is(err, bus.ErrNoServer) {
		err = connectionError{err}
	}
	return connection{e, nc}, err
}

// withConnection connects, and closes the connection after use. To the error of use it adds what was not permitted.
func (e env) withConnection(ctx context.Context, use func(connection) error) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer c.nc.Close()
	return c.explainDenied(use(c))
}

// explainDenied adds to err what the server has said of a missing permission: a request that it does not let through
// gets no answer, and looks like a slow one.
func (c connection) explainDenied(err error) error {
	if denied := c.nc.LastError(); err != nil && errors.Is(denied, nats.ErrPermissionViolation) && !errors.Is(err, denied) {
		return fmt.Errorf("%w: %w", denied, err)
	}
	return err
}

// flush returns when the server has handled what was sent to it, subscriptions too.
func (c connection) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return connectionError{err}
	}
	if err := c.nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	return nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/link"
)

// connection is a connection to the server, with the env of the command.
type connection struct {
	env
	nc *nats.Conn
}

// connect connects to the server. It never starts one.
func (e env) connect(ctx context.Context) (connection, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	nc, err := bus.Connect(ctx, e.config)
	switch {
	case errors.Is(err, bus.ErrConfig) && e.config.Context != "":
		err = usageError{fmt.Errorf("%w (there are the contexts: %s)", err, cmp.Or(strings.Join(contexts(), ", "), "none"))}
	case err != nil && !errors.Is(err, bus.ErrNoServer):
		err = connectionError{err}
	}
	return connection{e, nc}, err
}

// withConnection connects, calls use, and closes the connection. What JetStream denies ends the context of use. It explains
// errors with [connection.explainDenied].
func (e env) withConnection(ctx context.Context, use func(context.Context, connection) error) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer c.nc.Close()
	guard := link.NewGuard(ctx, c.nc, func(publish bool, subject string) bool {
		return publish && (strings.HasPrefix(subject, "$JS.") || strings.HasPrefix(subject, "$KV."))
	})
	defer guard.End()
	err = use(guard.Context(), c)
	if denied := guard.Err(); denied != nil && errors.Is(err, context.Canceled) {
		return denied
	}
	return c.explainDenied(err)
}

// explainDenied adds the server's permission error, if there is one, to err. A request that is not permitted gets no
// reply, and looks like a slow one.
func (c connection) explainDenied(err error) error {
	if denied := c.nc.LastError(); err != nil && errors.Is(denied, nats.ErrPermissionViolation) && !errors.Is(err, denied) {
		return fmt.Errorf("%w: %w", denied, err)
	}
	return err
}

// flush waits until the server has handled what was sent to it, including subscriptions.
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

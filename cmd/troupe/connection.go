package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/store"
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
		var names []string
		for _, known := range contexts() {
			names = append(names, known.word)
		}
		err = usageError{fmt.Errorf("%w (there are the contexts: %s)", err, cmp.Or(strings.Join(names, ", "), "none"))}
	case err != nil && !errors.Is(err, bus.ErrNoServer):
		err = connectionError{err}
	}
	return connection{e, nc}, err
}

// withConnection connects, calls use, and closes the connection. It explains errors with [connection.explainDenied] and
// [connection.explainUnknownType].
func (e env) withConnection(ctx context.Context, use func(connection) error) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer c.nc.Close()
	return c.explainUnknownType(ctx, c.explainDenied(use(c)))
}

// explainTimeout bounds what is looked up only to explain an error.
const explainTimeout = time.Second

// explainUnknownType adds to an unknown type which types there are, and where it was looked for.
func (c connection) explainUnknownType(ctx context.Context, err error) error {
	unknown, ok := errors.AsType[*troupe.Error](err)
	if !ok || !errors.Is(err, troupe.ErrUnknownType) || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout) // the user may not be allowed to list hosts
	defer cancel()
	known := "none that is up in the namespace " + c.namespace.Name() + " does"
	if up, err := c.hostsUp(ctx); err == nil && len(up) == 0 {
		known = "no host at all is up in the namespace " + c.namespace.Name()
	} else if err == nil {
		known = "those that are up in the namespace " + c.namespace.Name() + " serve " + strings.Join(typesOf(up), ", ")
	}
	explained := *unknown
	explained.Message += "; " + known
	return &explained
}

// typesOf are the actor types that hosts serve, sorted.
func typesOf(hosts map[string]store.HostEntry) []string {
	var types []string
	for _, host := range hosts {
		types = append(types, host.Types...)
	}
	slices.Sort(types)
	return slices.Compact(types)
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

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/wire"
)

// env is what a verb runs with.
type env struct {
	terminal
	json      bool
	namespace wire.Namespace
	config    bus.Config
	timeout   time.Duration
}

// connect never starts a server.
func (e env) connect(ctx context.Context) (*nats.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	nc, err := bus.Connect(ctx, e.config)
	if err != nil && !errors.Is(err, bus.ErrNoServer) {
		err = connectionError{err}
	}
	return nc, err
}

// flush returns when the server has handled what was sent to it, subscriptions too.
func (e env) flush(ctx context.Context, nc *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	if err := nc.FlushWithContext(ctx); err != nil {
		return connectionError{err}
	}
	if err := nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	return nil
}

// explainDenied adds to err what the server has said of a missing permission: a request that it does not let through
// gets no answer, and looks like a slow one.
func explainDenied(nc *nats.Conn, err error) error {
	if denied := nc.LastError(); err != nil && errors.Is(denied, nats.ErrPermissionViolation) && !errors.Is(err, denied) {
		return fmt.Errorf("%w: %w", denied, err)
	}
	return err
}

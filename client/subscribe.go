package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// subscription handles the events that one subscription receives, one after the other, on the goroutine that nats.go
// has for it.
type subscription struct {
	client *Client
	sub    *nats.Subscription
	cancel context.CancelFunc
	ended  sync.Once
	done   chan struct{} // closed when no handler runs and none will
}

// Listen subscribes to an event of an actor: see [troupe.Event.Subscribe]. The error of a handler, or of an event that
// cannot be decoded, is logged. When handlers are so slow that 512 Ki events or 64 MB wait, NATS drops what follows
// and tells the connection's error handler.
func (c *Client) Listen(_ context.Context, id troupe.ID, event string, handle troupe.Handler) (troupe.Subscription, error) {
	if err := troupe.CheckName("event", event); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	sub, err := c.nc.Subscribe(c.ns.Event(id, event), func(msg *nats.Msg) {
		if ctx.Err() != nil {
			return
		}
		if err := handle(ctx, func(into any) error { return decode(msg, into) }); err != nil {
			c.logger.Error("handling an event failed", slog.String("actor_type", id.Type()),
				slog.String("actor_key", id.KeyString()), slog.String("event", event), slog.Any("error", err))
		}
	})
	if err != nil {
		cancel()
		return nil, unavailable(id, event, err)
	}
	s := &subscription{client: c, sub: sub, cancel: cancel, done: make(chan struct{})}
	sub.SetClosedHandler(func(string) { close(s.done) })
	if !c.keep(s) {
		s.end()
		return nil, unavailable(id, event, nats.ErrConnectionClosed)
	}
	// The server knows of the subscription once it has answered what was sent after it.
	if err := c.nc.FlushTimeout(c.timeout); err != nil {
		_ = s.Unsubscribe() // never fails
		return nil, unavailable(id, event, err)
	}
	return s, nil
}

// keep remembers a subscription for Close, unless the client is closed.
func (c *Client) keep(s *subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscriptions == nil {
		return false
	}
	c.subscriptions[s] = struct{}{}
	return true
}

// Unsubscribe ends the subscription; a handler that runs goes on to its end.
func (s *subscription) Unsubscribe() error {
	s.client.mu.Lock()
	delete(s.client.subscriptions, s)
	s.client.mu.Unlock()
	s.end()
	return nil
}

func (s *subscription) end() {
	s.ended.Do(func() {
		s.cancel()
		if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			s.client.logger.Warn("unsubscribing failed", slog.String("subject", s.sub.Subject), slog.Any("error", err))
		}
	})
}

func unavailable(id troupe.ID, event string, err error) error {
	return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
		Message: fmt.Sprintf("subscribing to %s of %s: %v", event, id, err)}
}

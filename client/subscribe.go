package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
)

// subscription handles the events that one subscription receives, one after the other, on the goroutine that nats.go
// has for it.
type subscription struct {
	client    *Client
	link      *link // nil: without a connection
	listening troupe.Listening
	ctx       context.Context //nolint:containedctx // of handlers: done when the subscription has ended
	cancel    context.CancelFunc
	ended     sync.Once
	done      chan struct{} // closed when no handler runs and none will

	mu      sync.Mutex // held while a handler runs
	sub     *nats.Subscription
	order   bus.Order
	dropped int // by nats.go, as far as that was looked into
}

// Listen makes a subscription: see [troupe.Event.Subscribe]. The error of a handler, or of an event that cannot be
// decoded, is logged. When handlers are so slow that 512 Ki events or 64 MB wait, what follows is dropped, and told as a
// gap.
func (c *Client) Listen(_ context.Context, l troupe.Listening) (troupe.Subscription, error) {
	return c.listen(l, nil)
}

func (c *Client) listen(l troupe.Listening, by *link) (troupe.Subscription, error) {
	if err := troupe.CheckName("event", l.Event); err != nil {
		return nil, err
	}
	subject := c.ns.Events(l.Actors, l.Event)
	guard := bus.GuardSubscription(c.nc, subject)
	defer guard.End()
	s := &subscription{client: c, link: by, listening: l, done: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.start(subject); err != nil {
		s.cancel()
		return nil, unavailable(l, err)
	}
	if !c.keep(s) {
		s.end()
		return nil, unavailable(l, nats.ErrConnectionClosed)
	}
	// The server knows of the subscription once it has answered what was sent after it.
	if err := guard.Flush(c.timeout); err != nil {
		_ = s.Unsubscribe() // never fails
		return nil, unavailable(l, err)
	}
	return s, nil
}

// start subscribes. By a connection, events arrive with all else that arrives for it, and in the order of that.
func (s *subscription) start(subject string) (err error) {
	if s.link != nil {
		return s.link.start(s, subject)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sub, err = s.client.nc.Subscribe(subject, s.receive); err == nil {
		s.sub.SetClosedHandler(func(string) { close(s.done) })
	}
	return err
}

// keep remembers a subscription for Close, unless the client is closed.
func (c *Client) keep(s *subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscriptions == nil {
		return false
	}
	c.watcher.Do(func() { c.watching.Go(c.watch) })
	c.subscriptions[s] = struct{}{}
	return true
}

// receive handles an event.
func (s *subscription) receive(msg *nats.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, ok := s.delivery(msg); ok && s.ctx.Err() == nil {
		after, gap, fresh := s.order.Next(msg.Subject, d.Position)
		if gap && !s.beginsAnew(msg, d.Position) {
			s.tell(troupe.Gap{Actor: d.Actor, Event: d.Event, After: after, Before: d.Position})
		}
		if fresh && !s.excepted(msg) {
			s.report("handling an event failed", d.Actor, s.listening.Handle(troupe.WithDelivery(s.ctx, d), d))
		}
		if fresh && s.listening.Once {
			_ = s.Unsubscribe() // never fails
		}
	}
	if dropped, err := s.sub.Dropped(); err == nil && dropped != s.dropped {
		if waiting, _, err := s.sub.Pending(); err != nil || waiting == 0 { // no event may come that shows the gap
			s.dropped = dropped
			s.client.suspect(s)
		}
	}
}

// beginsAnew reports whether an event is the first to a connection alone since that was broken, which its status tells.
func (s *subscription) beginsAnew(msg *nats.Msg, p troupe.Position) bool {
	return s.link != nil && msg.Subject != s.sub.Subject && p.Sequence == 1
}

// excepted reports whether an event is not for the connection.
func (s *subscription) excepted(msg *nats.Msg) bool {
	return s.link != nil && msg.Header != nil && msg.Header.Get(bus.HeaderExcept) == s.link.id
}

// delivery is the event that a message brings, if it is one of those that were asked for.
func (s *subscription) delivery(msg *nats.Msg) (troupe.Delivery, bool) {
	l := s.listening
	d := troupe.Delivery{Event: l.Event, Position: bus.ParsePosition(msg.Header), Decode: func(into any) error { return decode(msg, into) }}
	one, ok := l.Actors.One()
	if ok {
		d.Actor = one
		return d, true
	}
	id, event, ok := s.client.ns.ParseEvent(msg.Subject)
	d.Actor = id
	return d, ok && event == l.Event
}

// tell tells of a gap. The caller holds s.mu.
func (s *subscription) tell(gap troupe.Gap) {
	if f := s.listening.Gap; f != nil {
		s.report("handling a gap failed", gap.Actor, f(s.ctx, gap))
		return
	}
	s.report("events were missed", gap.Actor, errors.New(gap.String()))
}

func (s *subscription) report(what string, actor troupe.ID, err error) {
	if err != nil {
		s.client.logger.Error(what, slog.String("actor_type", actor.Type()), slog.String("actor_key", actor.KeyString()),
			slog.String("event", s.listening.Event), slog.Any("error", err))
	}
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
		if s.link != nil {
			s.link.stop(s)
			defer close(s.done)
		}
		if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			s.client.logger.Warn("unsubscribing failed", slog.String("subject", s.sub.Subject), slog.Any("error", err))
		}
	})
}

func unavailable(l troupe.Listening, err error) error {
	if denied, ok := errors.AsType[*troupe.Error](err); ok {
		return denied
	}
	return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
		Message: fmt.Sprintf("subscribing to %s of %s: %v", l.Event, l.Actors, err)}
}

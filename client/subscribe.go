package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/order"
	"github.com/troupe-go/troupe/internal/rpc"
)

// subscription handles the events of one subscription, one after the other.
type subscription struct {
	client    *Client
	listening troupe.Listening
	feed      *feed
	line      *line
	link      *link           // nil: without a connection
	ctx       context.Context //nolint:containedctx // of handlers: done when the subscription has ended
	cancel    context.CancelFunc
	ended     atomic.Bool

	order order.Tracker // only for the goroutine of the line
}

// Listen makes a subscription: see [troupe.Event.Subscribe]. The error of a handler, or of an event that cannot be
// decoded, is logged. When handlers are so slow that too many events wait (see [Config].Queue), or 64 MB of them, what
// follows is dropped, and told as a gap once they have caught up.
func (c *Client) Listen(_ context.Context, l troupe.Listening) (troupe.Subscription, error) {
	return c.listen(l, nil)
}

func (c *Client) listen(l troupe.Listening, by *link) (troupe.Subscription, error) {
	if err := troupe.CheckName("event", l.Event); err != nil {
		return nil, err
	}
	guard := rpc.GuardSubscription(c.nc, c.ns.Events(l.Actors, l.Event))
	defer guard.End()
	s := &subscription{client: c, listening: l, link: by}
	if by == nil {
		s.line = &line{client: c}
	} else {
		s.line = &by.line
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := c.feeds.join(s); err != nil {
		s.cancel()
		return nil, unavailable(l, err)
	}
	// The server knows of the subscription once it has answered what was sent after it.
	err := guard.Flush(c.timeout)
	if errors.Is(err, troupe.ErrDenied) {
		c.feeds.deny(s.feed, err)
	}
	if err == nil {
		err = c.feeds.begin(s)
	}
	if err == nil && by != nil {
		err = by.keep(s)
	}
	if err != nil {
		_ = s.Unsubscribe() // never fails
		return nil, unavailable(l, err)
	}
	return s, nil
}

// take puts an event, or a mark, into the line of the subscription.
func (s *subscription) take(e *arrival) { s.line.take(s, e) }

// handle handles an event, or a mark.
func (s *subscription) handle(e *arrival) {
	if e.mark != nil {
		s.missed(cmp.Or(e.subject, s.feed.subject), *e.mark)
		return
	}
	after, gap, fresh := s.order.Next(e.subject, e.place)
	if anew := e.direct && e.place.Sequence == 1; gap && !anew { // a connection that begins anew says so by its status
		s.tell(troupe.Gap{Actor: e.Actor, Event: e.Event, After: after, Before: e.Position})
	}
	if !fresh || s.link != nil && e.except == s.link.id {
		return
	}
	s.report("handling an event failed", e.Actor, s.listening.Handle(troupe.WithDelivery(s.ctx, e.Delivery), e.Delivery))
	if s.listening.Once {
		_ = s.Unsubscribe() // never fails
	}
}

// tellDropped tells of events for which there was no room, up to this one, as far as no later event has told of them.
func (s *subscription) tellDropped(subject string, e *arrival) {
	gap := troupe.Gap{Actor: e.Actor, Event: e.Event}
	if subject == "" {
		gap.Actor = troupe.ID{}
	} else if !e.place.IsZero() {
		after, skipped := s.order.Skip(subject, e.Position)
		if !skipped {
			return
		}
		gap.After, gap.Before = after, troupe.Position{Epoch: e.Position.Epoch, Sequence: e.Position.Sequence + 1}
	}
	s.tell(gap)
}

// tell tells of a gap, on the goroutine of the handlers.
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
	if s.ended.Swap(true) {
		return nil
	}
	s.cancel()
	s.client.feeds.leave(s)
	if s.link != nil {
		s.link.drop(s)
	}
	return nil
}

func unavailable(l troupe.Listening, err error) error {
	if known, ok := errors.AsType[*troupe.Error](err); ok {
		return known
	}
	return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
		Message: fmt.Sprintf("subscribing to %s of %s: %v", l.Event, l.Actors, err)}
}

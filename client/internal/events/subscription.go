package events

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/order"
)

// subscription handles the events of one subscription, one after the other.
type subscription struct {
	consumer

	request    troupe.ListenRequest
	subject    string // that it listens to
	connection string // the id of the connection that it is made through; empty: none
	queue      *eventQueue
	logger     *slog.Logger
	intercept  troupe.Interceptor
	leave      func()          // nothing arrives any more
	ctx        context.Context //nolint:containedctx // of handlers: done when the subscription has ended
	cancel     context.CancelCauseFunc

	order order.Tracker // only for the goroutine of the queue
}

// take puts an event, or a mark, into the queue of the subscription.
func (s *subscription) take(e *arrival) { s.queue.take(&s.consumer, e) }

// handleArrival handles an event, or a mark.
func (s *subscription) handleArrival(e *arrival) {
	if e.mark != nil {
		actor, one := s.request.Actors.One()
		if !one {
			actor = e.Actor
		}
		s.tellMissed(actor, cmp.Or(e.subject, s.subject), *e.mark)
		return
	}
	after, gap, fresh := s.order.Next(e.subject, e.place)
	if anew := e.direct && e.place.Sequence == 1; gap && !anew { // a connection that begins anew says so by its status
		s.tell(troupe.Gap{Actor: e.Actor, Event: e.Event, After: after, Before: e.Position})
	}
	if !fresh || s.connection != "" && e.except == s.connection {
		return
	}
	s.report("handling an event failed", e.Actor, s.handleEvent(e.Delivery))
	if s.request.Once {
		_ = s.Unsubscribe() // never fails
	}
}

func (s *subscription) handleEvent(d troupe.Delivery) error {
	ctx := troupe.WithDelivery(s.ctx, d)
	if s.intercept == nil {
		return s.request.Handle(ctx, d)
	}
	op := troupe.Operation{Kind: troupe.OpEvent, Actor: d.Actor, Source: d.Actor, Name: d.Event, Header: d.Header}
	if op.Header == nil {
		op.Header = make(troupe.Header)
	}
	return s.intercept(ctx, &op, func(ctx context.Context) error { return s.request.Handle(ctx, d) })
}

// tellMissed tells of the events on a subject up to a mark that have not arrived before the mark.
func (s *subscription) tellMissed(actor troupe.ID, subject string, m mark) {
	gap := troupe.Gap{Actor: actor, Event: s.request.Event}
	heard, known := s.order.Heard(subject)
	if !m.heard.IsZero() && m.heard != heard {
		return // an event that has come meanwhile tells
	}
	if m.err != nil || m.last.IsZero() && known || m.replaced && m.last.Before(heard) { // the actor may have been another one for a while
		gap.After = heard
		if m.err == nil {
			s.order.GoBack(subject, m.last)
		}
		s.tell(gap)
		return
	}
	if after, skipped := s.order.Skip(subject, m.last); skipped {
		gap.After, gap.Before = after, troupe.Position{Epoch: m.last.Epoch, Sequence: m.last.Sequence + 1}
		s.tell(gap)
	}
}

// tellNoRoom tells of events on a subject, up to this one, that the queue has dropped, unless a later event has told of
// them already. An empty subject is any.
func (s *subscription) tellNoRoom(subject string, last *arrival) {
	gap := troupe.Gap{Actor: last.Actor, Event: last.Event}
	if subject == "" {
		gap.Actor = troupe.ID{}
	} else if !last.place.IsZero() {
		after, skipped := s.order.Skip(subject, last.Position)
		if !skipped {
			return
		}
		gap.After, gap.Before = after, troupe.Position{Epoch: last.Position.Epoch, Sequence: last.Position.Sequence + 1}
	}
	s.tell(gap)
}

// tell tells of a gap, on the goroutine of the handlers.
func (s *subscription) tell(gap troupe.Gap) {
	if f := s.request.Gap; f != nil {
		s.report("handling a gap failed", gap.Actor, f(s.ctx, gap))
		return
	}
	s.report("events were missed", gap.Actor, errors.New(gap.String()))
}

func (s *subscription) report(what string, actor troupe.ID, err error) {
	if err != nil {
		s.logger.Error(what, slog.String("actor_type", actor.Type()), slog.String("actor_key", actor.KeyString()),
			slog.String("event", s.request.Event), slog.Any("error", err))
	}
}

// Unsubscribe implements troupe.Subscription.
func (s *subscription) Unsubscribe() error {
	s.end(nil)
	return nil
}

// end ends the subscription; a handler that runs goes on to its end.
func (s *subscription) end(why error) {
	if !s.ended.Swap(true) {
		s.cancel(why)
		s.leave()
	}
}

// finish ends the subscription once what has arrived is handled.
func (s *subscription) finish(why error) { s.queue.then(func() { s.end(why) }) }

// Done implements troupe.Subscription.
func (s *subscription) Done() <-chan struct{} { return s.ctx.Done() }

// Err implements troupe.Subscription.
func (s *subscription) Err() error {
	if why := context.Cause(s.ctx); why != context.Canceled { //nolint:errorlint // which is the cause of nil
		return why
	}
	return nil
}

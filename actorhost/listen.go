package actorhost

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// listener is an actor's subscription to an event of an actor. It ends with the activation that has made it.
type listener struct {
	a       *activation
	subject string
	sub     *nats.Subscription

	// Under the mutex of the activation.
	handle troupe.Handler
	ended  bool
}

// Listen subscribes the actor to an event of another: see [troupe.Event.Subscribe].
func (c *Context) Listen(_ context.Context, id troupe.ID, event string, handle troupe.Handler) (troupe.Subscription, error) {
	if err := troupe.CheckName("event", event); err != nil {
		return nil, err
	}
	h, subject := c.a.host, c.a.host.ns.Event(id, event)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, fmt.Errorf("subscribing to %s of %s: %w", event, id, errTurnOver)
	}
	if l := c.a.replaceHandler(subject, handle); l != nil {
		return l, nil
	}
	l := &listener{a: c.a, subject: subject, handle: handle}
	err := l.start()
	if err == nil {
		// The server knows of the subscription once it has answered what was sent after it.
		err = h.nc.FlushTimeout(bus.DefaultTimeout)
	}
	if err != nil {
		_ = l.Unsubscribe() // never fails
		return nil, &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
			Message: fmt.Sprintf("subscribing to %s of %s: %v", event, id, err)}
	}
	c.started = append(c.started, l)
	return l, nil
}

// replaceHandler gives a subscription that there is already another handler.
func (a *activation) replaceHandler(subject string, handle troupe.Handler) *listener {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.listeners[subject]
	if l != nil {
		l.handle = handle
	}
	return l
}

// start subscribes.
func (l *listener) start() error {
	a, h := l.a, l.a.host
	a.mu.Lock()
	if a.listeners == nil {
		a.listeners = make(map[string]*listener)
	}
	a.listeners[l.subject] = l
	a.mu.Unlock()

	h.mu.Lock() // no event is looked up before its listener is known
	defer h.mu.Unlock()
	sub, err := h.nc.ChanSubscribe(l.subject, h.inbox)
	if err != nil {
		return err
	}
	l.sub = sub
	h.listeners[sub] = l
	return nil
}

// receive puts an event into the actor's mailbox. One that does not fit is dropped and logged. It returns the activation
// if the caller must have it worked off.
func (l *listener) receive(msg *nats.Msg) *activation {
	switch l.a.offer(work{kind: eventWork, msg: msg, listener: l}) {
	case first:
		return l.a
	case full:
		l.a.logger("").Error("an event was dropped: the mailbox is full", slog.String("subject", l.subject))
	case taken, closed:
	}
	return nil
}

// handle runs the handler of an event as a turn.
func (a *activation) handle(w work) {
	handle, ok := w.listener.current()
	if !ok {
		return
	}
	result, err := a.turn(turn{action: w.listener.subject}, func(c *Context) error {
		return handle(c, func(into any) error {
			as, err := codec.ForContentType(header(w.msg, bus.HeaderContentType))
			if err != nil {
				return err
			}
			return as.Unmarshal(w.msg.Data, into)
		})
	})
	if err == nil {
		a.finish(result, output{events: result.events})
	} else if asError(err).Code != troupe.CodeInternal { // that is logged already
		a.logger("").Error("handling an event failed", slog.String("subject", w.listener.subject), slog.Any("error", err))
	}
}

// current is the handler, unless the subscription has ended.
func (l *listener) current() (troupe.Handler, bool) {
	l.a.mu.Lock()
	defer l.a.mu.Unlock()
	return l.handle, !l.ended
}

// Unsubscribe ends the subscription. Events that wait in the mailbox are dropped.
func (l *listener) Unsubscribe() error {
	a, h := l.a, l.a.host
	a.mu.Lock()
	l.ended = true
	if a.listeners[l.subject] == l {
		delete(a.listeners, l.subject)
	}
	a.mu.Unlock()

	h.mu.Lock()
	sub := l.sub
	delete(h.listeners, sub)
	h.mu.Unlock()
	if sub == nil {
		return nil
	}
	if err := unlessClosed(sub.Unsubscribe()); err != nil {
		a.logger("").Warn("unsubscribing failed", slog.String("subject", l.subject), slog.Any("error", err))
	}
	return nil
}

// unlisten ends all subscriptions of an activation.
func (a *activation) unlisten() {
	a.mu.Lock()
	listeners := slices.Collect(maps.Values(a.listeners))
	a.mu.Unlock()
	for _, l := range listeners {
		_ = l.Unsubscribe() // never fails
	}
}

package actorhost

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
)

// listener is an actor's subscription to an event. It ends with the activation that has made it.
type listener struct {
	a       *activation
	subject string
	sub     troupe.Subscription // of the host's client, whose queue holds what does not fit into the mailbox

	// Under the mutex of the activation.
	listening troupe.Listening
	ended     bool
}

// heardEvent is what a listener puts into the mailbox: an event or a gap.
type heardEvent struct {
	listener *listener
	delivery troupe.Delivery
	gap      troupe.Gap
}

// mailboxFull is the pause before an event is offered again to a mailbox that was full.
const mailboxFull = 5 * time.Millisecond

// Listen subscribes the actor to an event of others: see [troupe.Event.Subscribe].
func (c *Context) Listen(ctx context.Context, listening troupe.Listening) (troupe.Subscription, error) {
	a := c.a
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, fmt.Errorf("subscribing to %s of %s: %w", listening.Event, listening.Actors, errTurnOver)
	}
	l := &listener{a: a, subject: a.host.ns.Events(listening.Actors, listening.Event) + " " + listening.Event, listening: listening}
	if old := a.replaceHandler(l); old != nil {
		return old, nil
	}
	listening.Handle, listening.Gap = l.hear, l.miss // which do what the subscription is for by then
	listening.Once = false
	sub, err := a.host.client.Listen(ctx, listening)
	if err != nil {
		_ = l.Unsubscribe() // never fails
		return nil, err
	}
	l.sub = sub
	does := c.does()
	does.started = append(does.started, l)
	return l, nil
}

// replaceHandler gives a subscription that there is already another handler. Without one, l is the subscription.
func (a *activation) replaceHandler(l *listener) (old *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.listeners[l.subject]; old != nil {
		old.listening = l.listening
		return old
	}
	if a.listeners == nil {
		a.listeners = make(map[string]*listener)
	}
	a.listeners[l.subject] = l
	return nil
}

// hear puts an event into the actor's mailbox.
func (l *listener) hear(ctx context.Context, d troupe.Delivery) error {
	l.offer(ctx, &work{kind: eventWork, about: &heardEvent{listener: l, delivery: d}})
	return nil
}

// miss puts a gap into the mailbox, if the actor wants to know.
func (l *listener) miss(ctx context.Context, gap troupe.Gap) error {
	if listening, ok := l.current(); ok && listening.Gap == nil {
		l.a.logger("").Error("events were missed", slog.String("event", gap.Event), slog.String("gap", gap.String()))
	} else {
		l.offer(ctx, &work{kind: gapWork, about: &heardEvent{listener: l, gap: gap}})
	}
	return nil
}

// offer waits while the mailbox is full: the queue of the subscription holds what comes meanwhile.
func (l *listener) offer(ctx context.Context, w *work) {
	for {
		switch l.a.offer(w) {
		case full:
			if pause.For(ctx, mailboxFull) {
				continue
			}
		case first:
			l.a.host.ready.Add(l.a)
		case taken, pending, closed:
		}
		return
	}
}

// handle runs the handler of an event, or of a gap, as a turn.
func (a *activation) handle(w *work) {
	heard := w.about.(*heardEvent)
	l := heard.listener
	listening, ok := l.current()
	if !ok || w.kind == gapWork && listening.Gap == nil {
		return
	}
	t := turn{action: listening.Event}
	if w.kind == eventWork {
		t.delivery = &heard.delivery
	}
	result, err := a.turn(t, func(c *Context) error {
		if w.kind == gapWork {
			return listening.Gap(c, heard.gap)
		}
		return listening.Handle(c, heard.delivery)
	})
	if err == nil {
		a.finish(&result, &output{})
	} else if errs.As(err).Code != troupe.CodeInternal { // that is logged already
		a.logger("").Error("handling an event failed", slog.String("event", listening.Event), slog.Any("error", err))
	}
	if listening.Once && w.kind == eventWork {
		_ = l.Unsubscribe() // never fails
	}
}

// current is what the subscription is for, unless it has ended.
func (l *listener) current() (troupe.Listening, bool) {
	l.a.mu.Lock()
	defer l.a.mu.Unlock()
	return l.listening, !l.ended
}

// Unsubscribe ends the subscription. Events that wait in the mailbox are dropped.
func (l *listener) Unsubscribe() error {
	l.a.mu.Lock()
	l.ended = true
	if l.a.listeners[l.subject] == l {
		delete(l.a.listeners, l.subject)
	}
	l.a.mu.Unlock()
	if l.sub == nil {
		return nil
	}
	return l.sub.Unsubscribe()
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

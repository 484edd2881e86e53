package actorhost

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// Listen subscribes the actor to an event of other actors: see [troupe.Event.Subscribe].
func (c *Context) Listen(ctx context.Context, listening troupe.ListenRequest) (troupe.Subscription, error) {
	a := c.a
	if c.hasEnded() {
		return nil, fmt.Errorf("subscribing to %s of %s: %w", listening.Event, listening.Actors, errTurnOver)
	}
	if err := c.refusedTo("subscribe to", listening.Event); err != nil {
		return nil, err
	}
	l := &listener{a: a, subject: a.host.ns.Events(listening.Actors, listening.Event) + " " + listening.Event, listening: listening}
	undo := func() { _ = l.Unsubscribe() } // never fails
	if old, was := a.replaceHandler(l); old != nil {
		l, undo = old, func() { old.listenFor(was) }
	} else if err := l.begin(ctx, listening); err != nil {
		undo()
		return nil, err
	}
	if err := c.addUndo(undo); err != nil {
		return nil, err
	}
	return l, nil
}

// replaceHandler replaces the handler of an existing subscription, and returns the subscription and what it was for. If
// there is none, it adds l and returns nil.
func (a *activation) replaceHandler(l *listener) (old *listener, was troupe.ListenRequest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.listeners[l.subject]; old != nil {
		was, old.listening = old.listening, l.listening
		return old, was
	}
	if a.listeners == nil {
		a.listeners = make(map[string]*listener)
	}
	a.listeners[l.subject] = l
	return nil, troupe.ListenRequest{}
}

// handleHeard runs the handler of an event or a gap as a turn.
func (a *activation) handleHeard(w *work) {
	heard, kind := w.arg.(*heardEvent), w.kind // not w, so that not every call escapes to the heap
	l := heard.listener
	listening, ok := l.current()
	if !ok || w.kind == gapWork && listening.Gap == nil {
		return
	}
	t := turn{kind: wire.TurnEvent, action: listening.Event, arrived: heard.arrived}
	if w.kind == eventWork {
		t.delivery = &heard.delivery
		t.header = t.header.WithCarried(wire.CarriedBy(heard.delivery.Header), wire.Carried[:])
	}
	result, err := a.runTurn(t, func(c *Context) error {
		if kind == gapWork {
			return listening.Gap(c, heard.gap)
		}
		return listening.Handle(c, heard.delivery)
	})
	if err == nil {
		a.commitTurn(&result, &commit.Output{})
	} else if errs.As(err).Code != troupe.CodeInternal { // internal errors are logged already
		a.logger("").Error("handling an event failed", slog.String("event", listening.Event), slog.Any("error", err))
	}
	if listening.Once && w.kind == eventWork {
		_ = l.Unsubscribe() // never fails
	}
}

// endListeners ends all subscriptions of the activation.
func (a *activation) endListeners() {
	a.mu.Lock()
	listeners := slices.Collect(maps.Values(a.listeners))
	a.mu.Unlock()
	for _, l := range listeners {
		_ = l.Unsubscribe() // never fails
	}
}

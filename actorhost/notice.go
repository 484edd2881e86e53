package actorhost

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
)

// noticeBatch is how many events are handled one after the other before other calls of the actor get their turn.
const noticeBatch = 256

// notice does a call of bus.NoticeAction: it handles what is new in the log of the actor that the notice is about. The
// answer waits, as any other, until what that has changed is stored.
func (a *activation) notice(w work) {
	var n bus.Notice
	if err := w.as.Unmarshal(w.msg.Data, &n); err != nil {
		a.pass(w, nil, errorf(troupe.CodeBadInput, "%s.%s: %v", a.id, w.action, err))
		return
	}
	cursor, _, ok := a.gate.following(n.Source, n.Event)
	if ok && cursor < n.Sequence {
		more, err := a.catchUp(w, n.Source, cursor)
		switch {
		case err != nil:
			a.pass(w, nil, err)
			return
		case a.finished: // it was destroyed
		case more && a.offer(w) == taken:
			return
		case more:
			a.pass(w, nil, overloaded("%d calls wait for %s", a.kind.limits.mailbox, a.id))
			return
		}
	}
	if !ok {
		a.pass(w, nil, errorf(troupe.CodeNotFound, "%s does not subscribe to %s of %s", a.id, n.Event, n.Source))
		return
	}
	a.pass(w, nil, nil)
}

// catchUp handles the next events of an actor in the log. There may be more when it has handled many.
func (a *activation) catchUp(w work, source string, cursor uint64) (more bool, err error) {
	id, err := troupe.ParseID(source)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithDeadline(a.host.ctx, w.deadline)
	defer cancel()
	n := 0
	for e, err := range a.host.waker.log.Read(ctx, id, "", cursor+1, time.Time{}) {
		if err != nil {
			return false, unavailable("%v", err)
		}
		if err := a.handleLogged(w, e); err != nil {
			return false, err
		}
		if n++; n == noticeBatch || a.finished {
			return true, nil
		}
	}
	return false, nil
}

// handleLogged handles one event in the log, if it is one that the actor subscribes to.
func (a *activation) handleLogged(w work, e bus.Logged) error {
	source := e.Actor.Tokens()
	_, heard, ok := a.gate.following(source, e.Event)
	if !ok || e.Sequence <= heard.From || !heard.Last.Before(e.Position) {
		return nil
	}
	run := a.kind.events[topic{e.Actor.Type(), e.Event}]
	if run == nil {
		return errorf(troupe.CodeUnknownAction, "the actor type %q has no handler for %s of %q", a.kind.name, e.Event, e.Actor.Type())
	}
	d := troupe.Delivery{Actor: e.Actor, Event: e.Event, Position: e.Position, Decode: func(into any) error {
		as, err := contentType(&nats.Msg{Header: e.Header})
		if err != nil {
			return err
		}
		return as.Unmarshal(e.Data, into)
	}}
	if last := heard.Last; !last.IsZero() && e.Position.Sequence != last.Sequence+1 {
		if err := a.missed(w, d, troupe.Gap{Actor: e.Actor, Event: e.Event, After: last, Before: e.Position}); err != nil {
			return err
		}
	}
	result, err := a.turn(turn{action: e.Event, deadline: w.deadline, delivery: d}, func(c *Context) error {
		return run(a.state.pointer(), c, d)
	})
	if err != nil {
		return err
	}
	result.handled = &handled{source: source, event: e.Event, sequence: e.Sequence, position: e.Position}
	a.finish(result, output{})
	return nil
}

// missed tells the actor of events that are no longer in the log.
func (a *activation) missed(w work, d troupe.Delivery, gap troupe.Gap) error {
	hook := a.kind.hooks.gap
	if hook == nil {
		a.logger("").Error("events were missed", slog.String("event", gap.Event), slog.String("gap", gap.String()))
		return nil
	}
	result, err := a.turn(turn{action: "gap", deadline: w.deadline, delivery: d}, func(c *Context) error {
		return hook(a.state.pointer(), c, gap)
	})
	if err == nil {
		a.finish(result, output{})
	}
	return err
}

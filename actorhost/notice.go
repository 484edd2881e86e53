package actorhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// After so many events, or this time, a notice lets other calls of the actor run.
const maxCatchUpEvents, maxCatchUpTime = 256, 100 * time.Millisecond

// serveNotice runs a call of wire.NoticeAction: it handles the new events in the source's log. As always, the answer
// waits until the changes are stored.
func (a *activation) serveNotice(w *work) {
	var n wire.Notice
	if err := w.As.Unmarshal(w.Data, &n); err != nil {
		a.answer(w, nil, errs.New(troupe.CodeBadInput, "%s.%s: %v", a.id, w.Action, err))
		return
	}
	if n.Source == "" {
		a.answerWoken(w)
		return
	}
	if cursor, ok := a.cursor(n.Source); ok && (cursor < n.Sequence || a.lacks(&n)) {
		more, err := a.catchUp(w, &n, cursor)
		var lacks *lacksHandlerError
		switch {
		case errors.As(err, &lacks) && !w.searched:
			a.passNotice(w, lacks)
			return
		case err != nil:
			a.answer(w, nil, err)
			return
		case a.finished: // the actor was destroyed
		case more:
			w.Again = false // queue it even though this call is running
			if a.offer(w) != queued {
				a.answer(w, nil, errs.Overloaded("%d calls wait for %s", a.kind.config.MailboxSize, a.id))
			}
			return
		}
	}
	if _, ok := a.subscription(n.Source, n.Event); !ok {
		a.answer(w, nil, errs.New(troupe.CodeNotFound, "%s does not subscribe to %s of %s", a.id, n.Event, n.Source))
		return
	}
	a.answer(w, nil, nil)
}

// lacks reports whether the actor has not handled an event that a notice tells of.
func (a *activation) lacks(n *wire.Notice) bool {
	for event, last := range n.Last {
		if heard, ok := a.subscription(n.Source, event); ok && troupe.Position(heard.Last).Before(troupe.Position(last)) {
			return true
		}
	}
	return false
}

// passesNotice passes a notice on that this program has no handler for, so that the actor does not wake here in vain. One
// that was passed on is looked at: there may be earlier events, which another program lacks.
func (a *activation) passesNotice(w *work) bool {
	if w.Action != wire.NoticeAction || w.searched || w.Get(wire.HeaderLacked) != "" {
		return false
	}
	var n wire.Notice
	if w.As.Unmarshal(w.Data, &n) != nil {
		return false
	}
	if n.Event == "" {
		return a.passesWake(w)
	}
	source, _, _ := strings.Cut(n.Source, ".")
	if of := (topic{source, n.Event}); a.kind.events[of] == nil {
		a.passNotice(w, &lacksHandlerError{a.kind.name, of})
		return true
	}
	return false
}

// passNotice passes a notice on. If no other program has the handler either, the actor is asked whether it still
// subscribes.
func (a *activation) passNotice(w *work, e *lacksHandlerError) {
	passed := *w
	a.host.passOn(&passed, a.id.Tokens(), lacksHandler(e.topic.String(), errs.As(e)))
}

// errPassedOver says that events are missing after a cursor. Perhaps it is that of another log.
var errPassedOver = errors.New("the log does not go on where it was read last")

// catchUp handles the next events in the log of an actor. It reports whether it stopped early, so that there may be more.
// It begins at the cursor, which is worth nothing if the log was deleted or put back to an older copy. Which events are new,
// their positions tell; so if what was to come is not there, it reads all that there is.
func (a *activation) catchUp(w *work, n *wire.Notice, cursor uint64) (more bool, err error) {
	id, err := troupe.ParseID(n.Source)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithDeadline(a.host.ctx, a.host.clock.Time(w.Deadline))
	defer cancel()
	log, _, err := a.host.log.Open(ctx)
	if err != nil {
		return false, errs.Unavailable("%v", err)
	}
	again := n.Again || w.Again
	end, more, err := a.readLog(ctx, log, id, cursor, again)
	if errors.Is(err, errPassedOver) || err == nil && !more && a.lacks(n) {
		end, more, err = a.readLog(ctx, log, id, 0, again)
	}
	if n.Lost && err == nil && !more && end >= n.Sequence && !a.finished {
		return false, a.handleLost(id, n, end)
	}
	if err == nil && !more && end < n.Sequence && (len(n.Last) == 0 || a.lacks(n)) { // read from a replica that lags behind
		return false, errs.Unavailable("the log of %s ends before %d, at %d", n.Source, n.Sequence, end)
	}
	return more, err
}

// readLog handles the events in the log of an actor after a cursor, and returns the sequence of the last. Unless it reads all
// of them, from the cursor zero, it fails with [errPassedOver] rather than to take a gap for one.
func (a *activation) readLog(
	ctx context.Context, log *store.Log, id troupe.ID, cursor uint64, again bool,
) (end uint64, more bool, err error) {
	began, handled := time.Now(), 0
	end = cursor
	for e, err := range log.Read(ctx, id, "", cursor+1, time.Time{}) {
		if err != nil {
			return end, false, errs.Unavailable("%v", err)
		}
		end = e.Sequence
		heard, wanted := a.subscription(id.Tokens(), e.Event)
		last := troupe.Position(heard.Last)
		switch {
		case !wanted || !last.Before(e.Place.Position):
			continue
		case cursor > 0 && !e.Place.Follows(last):
			return end, false, errPassedOver
		}
		if err := a.handleLogged(e, last, again); err != nil {
			return end, false, err
		}
		if handled++; handled == maxCatchUpEvents || time.Since(began) > maxCatchUpTime || a.finished {
			return end, true, nil
		}
	}
	return end, false, nil
}

// handleLogged handles one event of the log in a turn, the next after the last. If earlier events are missing, the on-gap
// hook runs first, in the same turn.
func (a *activation) handleLogged(e store.Logged, last troupe.Position, again bool) error {
	source := e.Actor.Tokens()
	of := topic{e.Actor.Type(), e.Event}
	run := a.kind.events[of]
	if run == nil {
		return &lacksHandlerError{a.kind.name, of}
	}
	d := troupe.Delivery{Actor: e.Actor, Event: e.Event, Position: e.Place.Position, Decode: func(into any) error {
		as, err := codecOf(e.Header)
		if err != nil {
			return err
		}
		return as.Unmarshal(e.Data, into)
	}}
	id := dedup.ID{Given: fmt.Sprintf("%s/%s/%d.%d", source, e.Event, d.Position.Epoch, d.Position.Sequence)}
	begun, err := a.begin("~event/"+id.Given, again, queues.DefaultRetries.Hosts)
	if tooOften := (*endsHostsError)(nil); errors.As(err, &tooOften) {
		return a.passOverLogged(e, last, tooOften)
	}
	if err != nil {
		return err
	}
	defer begun.over()
	t := turn{kind: wire.TurnEvent, action: e.Event, delivery: &d, durable: true, header: carriedIn(e.Header), id: id}
	result, err := a.runTurn(t, func(c *Context) error {
		if !e.Place.Follows(last) {
			gap := troupe.Gap{Actor: e.Actor, Event: e.Event, After: last, Before: e.Place.Position}
			if err := a.handleGap(c, gap); err != nil {
				return err
			}
		}
		return run(a.state.pointer(), c, d)
	})
	if err != nil {
		begun.failed()
		return err
	}
	result.Parts = append(append(result.Parts, begun.ended()...),
		record.Handled{Source: source, Event: e.Event, Sequence: e.Sequence, Position: e.Place.Position})
	a.commitTurn(&result, &commit.Output{})
	return nil
}

// carriedIn returns what has travelled with an event.
func carriedIn(of nats.Header) (h wire.Header) {
	return h.WithCarried(wire.CarriedBy(wire.CarriedOf(of)), wire.Traced)
}

// codecOf returns the codec that a message's headers name.
func codecOf(of nats.Header) (codec.Codec, error) {
	return codec.ForContentType(wire.FirstHeader(of, wire.HeaderContentType))
}

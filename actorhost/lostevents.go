package actorhost

import (
	"fmt"
	"log/slog"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// lacksHandlerError says that this program has no handler for an event that an actor follows.
type lacksHandlerError struct {
	actorType string
	topic
}

func (e *lacksHandlerError) Error() string {
	return fmt.Sprintf("the actor type %q has no handler for %s of %q", e.actorType, e.event, e.source)
}

func (e *lacksHandlerError) Unwrap() error { return errs.New(troupe.CodeUnknownAction, "%s", e) }

// handleGap tells the actor of events that are no longer in the log.
func (a *activation) handleGap(c *Context, gap troupe.Gap) error {
	if hook := a.kind.hooks.gap; hook != nil {
		return meant(hook(a.state.pointer(), c, gap))
	}
	a.logger("").Error("events were missed", slog.String("event", gap.Event), slog.String("gap", gap.String()))
	return nil
}

// passOverLogged passes an event over whose handler has ended too many hosts: the actor is told that it is lost.
func (a *activation) passOverLogged(e store.Logged, last troupe.Position, why error) error {
	source, at := e.Actor.Tokens(), e.Place.Position
	a.logger("").Error("an event is passed over, and told as missed",
		slog.String("event", e.Event), slog.String("source", e.Actor.String()),
		slog.String("position", at.String()), slog.Any("error", why))
	gap := troupe.Gap{Actor: e.Actor, Event: e.Event, After: last, Before: troupe.Position{Epoch: at.Epoch, Sequence: at.Sequence + 1}}
	id := dedup.ID{Given: fmt.Sprintf("%s/%s/%d.%d", source, e.Event, at.Epoch, at.Sequence)}
	result, err := a.runTurn(turn{kind: wire.TurnHook, action: "gap", id: dedup.ID{Given: id.Given + "/lost"}}, func(c *Context) error {
		return a.handleGap(c, gap)
	})
	if err != nil {
		return err
	}
	result.Parts = append(result.Parts, record.EndRun{What: "~event/" + id.Given},
		record.Handled{Source: source, Event: e.Event, Sequence: e.Sequence, Position: at})
	a.commitTurn(&result, &commit.Output{})
	return nil
}

// handleLost tells the actor of the events up to those of a notice that the log has lost, by the on-gap hook, each in a turn. The
// log was read to its end.
func (a *activation) handleLost(source troupe.ID, n *wire.Notice, end uint64) error {
	for event, last := range n.Last {
		heard, wanted := a.subscription(n.Source, event)
		after, newest := troupe.Position(heard.Last), troupe.Position(last)
		if !wanted || !after.Before(newest) {
			continue
		}
		of := topic{source.Type(), event}
		if a.kind.events[of] == nil {
			return &lacksHandlerError{a.kind.name, of}
		}
		next := troupe.Position{Epoch: newest.Epoch, Sequence: newest.Sequence + 1}
		gap := troupe.Gap{Actor: source, Event: event, After: after, Before: next}
		id := dedup.ID{Given: fmt.Sprintf("%s/%s/%d.%d/lost", n.Source, event, newest.Epoch, newest.Sequence)}
		t := turn{kind: wire.TurnHook, action: "gap", id: id}
		result, err := a.runTurn(t, func(c *Context) error { return a.handleGap(c, gap) })
		if err != nil {
			return err
		}
		result.Parts = append(result.Parts, record.Handled{Source: n.Source, Event: event, Sequence: end, Position: newest})
		a.commitTurn(&result, &commit.Output{})
	}
	return nil
}

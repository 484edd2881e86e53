package client

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Replay yields the kept events of an actor: see [troupe.DurableEvent.Replay].
func (c *Client) Replay(ctx context.Context, id troupe.ID, event string, from troupe.ReplayStart) iter.Seq2[troupe.Replayed, error] {
	return func(yield func(troupe.Replayed, error) bool) {
		if err := troupe.CheckName("event", event); err != nil {
			yield(troupe.Replayed{}, err)
			return
		}
		guard := link.NewGuard(ctx, c.nc, func(publish bool, subject string) bool {
			return publish && strings.HasPrefix(subject, "$JS.API.") && strings.Contains(subject+".", "."+store.LogName(c.ns)+".")
		})
		defer guard.End()
		log, err := store.FindLog(guard.Context(), c.nc, c.ns)
		err = cmp.Or(guard.Err(), err)
		if err != nil {
			yield(troupe.Replayed{}, unreadable(id.Actors(), event, link.Reason(c.nc, err)))
			return
		}
		if log == nil {
			return
		}
		begin, err := seek(ctx, log, id, event, from)
		if err != nil {
			yield(troupe.Replayed{}, unreadable(id.Actors(), event, link.Reason(c.nc, err)))
			return
		}
		start := skip{from: from}
		for e, err := range log.Read(guard.Context(), id, event, begin, from.Time) {
			if err = cmp.Or(guard.Err(), err); err != nil {
				yield(troupe.Replayed{}, unreadable(id.Actors(), event, link.Reason(c.nc, err)))
				return
			}
			if start.skips(e.Place.Position) {
				continue
			}
			if !yield(replayed(log, e), nil) {
				return
			}
		}
	}
}

func replayed(log *store.Log, e store.Logged) troupe.Replayed {
	d := troupe.Delivery{Actor: e.Actor, Event: e.Event, Position: e.Place.Position, Decode: func(into any) error {
		return wire.DecodeBody(&nats.Msg{Header: e.Header, Data: e.Data}, into)
	}}
	return troupe.Replayed{Delivery: d, Place: log.PlaceOf(e).Text(), Time: e.Time}
}

// seek returns where in the stream to begin to read: not after the start. One may still have to pass over events.
func seek(ctx context.Context, log *store.Log, id troupe.ID, event string, from troupe.ReplayStart) (uint64, error) {
	switch {
	case !from.Time.IsZero():
		return 0, nil
	case !from.Position.IsZero() && from.Sequence == 0:
		return log.SeekPosition(ctx, id, event, from.Position)
	case from.Position.IsZero() && from.Sequence > 1:
		return log.SeekSequence(ctx, id, event, from.Sequence)
	}
	return 0, nil
}

// skip passes over the events before the start of a replay.
type skip struct {
	from  troupe.ReplayStart
	last  troupe.Position // of the last event that it has passed over
	begun bool
}

// skips reports whether the next event comes before the start.
func (s *skip) skips(at troupe.Position) bool {
	if s.begun {
		return false
	}
	anew := !at.IsZero() && at.Sequence <= s.last.Sequence // another life of the actor
	if at.Before(s.from.Position) || at.Sequence < s.from.Sequence && !anew {
		if !at.IsZero() {
			s.last = at
		}
		return true
	}
	s.begun = true
	return false
}

func unreadable(actors troupe.Actors, event string, err error) *troupe.Error {
	failed := &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err, Message: err.Error()}
	if denied, ok := errors.AsType[*troupe.Error](err); ok {
		failed.Code, failed.Retryable, failed.Message = denied.Code, denied.Retryable, denied.Message
	}
	failed.Message = "reading the events " + event + " of " + actors.String() + ": " + failed.Message
	return failed
}

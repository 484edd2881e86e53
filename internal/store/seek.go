package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// seekFrom is how many events an actor must have kept for a search to be worth it: fewer are read at once.
const seekFrom = 2 * scanMessages

// SeekPosition returns where in the stream to begin for the first kept event of an actor with a name and a position, or a
// later one. It takes some 20 requests, however many events there are.
func (l *Log) SeekPosition(ctx context.Context, id troupe.ID, event string, from troupe.Position) (uint64, error) {
	return l.seek(ctx, id, event, false, func(at troupe.Position) bool { return !at.Before(from) })
}

// SeekSequence is SeekPosition for a sequence. If the actor has kept events of several lives, all must be read: then it
// returns zero.
func (l *Log) SeekSequence(ctx context.Context, id troupe.ID, event string, from uint64) (uint64, error) {
	return l.seek(ctx, id, event, true, func(at troupe.Position) bool { return at.Sequence >= from })
}

// seek finds the first event for which reached is true, as it is for all later ones, of one life at least.
func (l *Log) seek(ctx context.Context, id troupe.ID, event string, oneLife bool, reached func(troupe.Position) bool) (uint64, error) {
	subject := l.ns.Log(id, event)
	first, err := l.next(ctx, subject, 1)
	if err != nil || first == nil {
		return 0, err
	}
	last, err := l.stream.lastOf(ctx, subject)
	if err != nil || last == nil {
		return 0, err
	}
	from, to := wire.ParsePlace(first.Header).Position, wire.ParsePlace(last.Header).Position
	events := to.Sequence - from.Sequence + 1 // of one life
	if events < seekFrom {
		return 0, nil
	}
	if oneLife {
		if kept, err := l.stream.subjects(ctx, subject); err != nil || kept[subject] != events {
			return 0, err
		}
	}
	low, high := first.Sequence, last.Sequence+1
	for low < high {
		middle := low + (high-low)/2
		msg, err := l.next(ctx, subject, middle)
		switch {
		case err != nil:
			return 0, err
		case msg == nil || reached(wire.ParsePlace(msg.Header).Position):
			high = middle
		default:
			low = msg.Sequence + 1
		}
	}
	return low, nil
}

// next returns the first message of a subject from a sequence on, or nil.
func (l *Log) next(ctx context.Context, subject string, from uint64) (*jetstream.RawStreamMsg, error) {
	ctx, wait := l.stream.reading(ctx, askGet)
	msg, err := l.stream.stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(subject))
	err = wait.End(err)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for an event on %s: %w", subject, err)
	}
	return msg, nil
}

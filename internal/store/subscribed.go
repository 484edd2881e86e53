package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// Subscribed is an entry of the index: an actor may subscribe to an event of another.
type Subscribed struct {
	Source     troupe.ID
	Event      string
	Subscriber troupe.ID
}

// All yields all entries, and some that were removed lately. Those of one event of an actor follow each other. It reads the
// keys alone. An error ends it.
func (s *Subscriptions) All(ctx context.Context) iter.Seq2[Subscribed, error] {
	return func(yield func(Subscribed, error) bool) {
		subjects, err := s.bucket.allSubjects(ctx, s.bucket.prefix+">")
		if err != nil {
			yield(Subscribed{}, fmt.Errorf("listing %s: %w", streamName(s.bucket.name()), err))
			return
		}
		slices.Sort(subjects)
		for _, subject := range subjects {
			one, ok := parseEntry(strings.TrimPrefix(subject, s.bucket.prefix))
			if ok && !yield(one, nil) {
				return
			}
		}
	}
}

// parseEntry reads the key of an entry. Not ok are those of marks and turns.
func parseEntry(key string) (one Subscribed, ok bool) {
	topic, subscriber, _ := cutLast(key)
	source, event, ok := cutLast(topic)
	if !ok {
		return Subscribed{}, false
	}
	var errSource, errSubscriber error
	one.Event = event
	one.Source, errSource = troupe.ParseID(source)
	one.Subscriber, errSubscriber = troupe.ParseID(strings.ReplaceAll(subscriber, "/", "."))
	return one, errors.Join(errSource, errSubscriber, troupe.CheckName("event", event)) == nil
}

func cutLast(key string) (before, after string, ok bool) {
	i := strings.LastIndexByte(key, '.')
	if i < 0 {
		return "", key, false
	}
	return key[:i], key[i+1:], true
}

// Heard is the last event that a subscriber has handled, by its record, and whether it does subscribe.
func (r *Records) Heard(ctx context.Context, of Subscribed) (troupe.Position, bool, error) {
	parts, err := r.newestParts(ctx, of.Subscriber)
	heard, subscribes := parts.Follows().Heard(of.Source.Tokens(), of.Event)
	return troupe.Position(heard.Last), subscribes, err
}

// LastEvent is the last event of a name that an actor has broadcast, by its record. It is pending if some of that name may not be in
// the log yet.
func (r *Records) LastEvent(ctx context.Context, id troupe.ID, event string) (last troupe.Position, pending bool, err error) {
	parts, err := r.newestParts(ctx, id)
	return parts.Events().Last(event), parts.Outbox().Has(event), err
}

// newestParts reads the parts of a record. One that cannot be decoded has none: the next call of the actor says so.
func (r *Records) newestParts(ctx context.Context, id troupe.ID) (parts record.Parts, err error) {
	found, err := r.Newest(ctx, id)
	if err == nil {
		parts, err = found.Open()
	}
	if errors.Is(err, record.ErrCorrupt) {
		return record.Parts{}, nil
	}
	return parts, err
}

// catchUpKey is written by the host that has all subscribers catch up. It is there for catchUpPause: as long as others may take
// to notice what that host has noticed.
const catchUpKey, catchUpPause = "_catchup", 10 * time.Second

// BeginCatchUp is called by each host that has noticed that what subscribers hear was replaced. It succeeds for the first. For
// others the error is [ErrConflict].
func (s *Subscriptions) BeginCatchUp(ctx context.Context) error {
	begun, revision, err := s.bucket.get(ctx, catchUpKey)
	switch {
	case err != nil:
		return err
	case begun != nil:
		return ErrConflict
	}
	_, err = s.bucket.put(ctx, catchUpKey, []byte("begun"), revision, catchUpPause)
	return err
}

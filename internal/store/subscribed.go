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

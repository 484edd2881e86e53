package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe"
)

// Subscriptions is the bucket that tells which actors may have to be woken for an event: an index of the durable
// subscriptions, of which the truth is in the records of the subscribers. An entry too many costs a call.
type Subscriptions struct{ bucket *bucket }

// Subscriber is one entry.
type Subscriber struct {
	ID       troupe.ID
	key      string
	revision uint64
}

// forgottenTTL is how long the server remembers that a subscription has ended.
const forgottenTTL = time.Minute

// OpenSubscriptions opens the subscriptions of a namespace, and makes their bucket when there is none. See [OpenRecords].
func OpenSubscriptions(ctx context.Context, nc *nats.Conn, ns Namespace, replicas int) (*Subscriptions, error) {
	bucket, err := openBucket(ctx, nc, jetstream.KeyValueConfig{
		Bucket:         ns.name + "-subscriptions",
		Description:    "Which actors subscribe to which durable events",
		Replicas:       replicas,
		LimitMarkerTTL: forgottenTTL,
	}, false)
	if err != nil {
		return nil, err
	}
	return &Subscriptions{bucket}, nil
}

// Add enters a subscriber to an event of an actor, again if it is there.
func (s *Subscriptions) Add(ctx context.Context, source troupe.ID, event string, subscriber troupe.ID) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	key := subscriptionKey(source, event) + strings.ReplaceAll(subscriber.Tokens(), ".", "/")
	if _, err := s.bucket.js.Publish(ctx, s.bucket.prefix+key, nil); err != nil {
		return fmt.Errorf("entering the subscription of %s to %s of %s: %w", subscriber, event, source, err)
	}
	return nil
}

// Of returns the subscribers to an event of an actor.
func (s *Subscriptions) Of(ctx context.Context, source troupe.ID, event string) ([]Subscriber, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	filter := subscriptionKey(source, event) + "*"
	found, err := s.of(ctx, filter)
	if errors.Is(err, jetstreamext.ErrBatchUnsupported) { // they are too many for one request
		found = nil
		for entry, listErr := range s.bucket.list(ctx, filter) {
			if err = listErr; err != nil {
				break
			}
			found = appendSubscriber(found, entry.Key(), entry.Revision())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the subscribers to %s of %s: %w", event, source, err)
	}
	return found, nil
}

func (s *Subscriptions) of(ctx context.Context, filter string) (found []Subscriber, err error) {
	messages, err := jetstreamext.GetLastMsgsFor(ctx, s.bucket.js, "KV_"+s.bucket.entries.Bucket(), []string{s.bucket.prefix + filter})
	if err != nil {
		return nil, err
	}
	for msg, err := range messages {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return found, nil
		case err != nil:
			return nil, err
		case !isDeletion(msg.Header):
			found = appendSubscriber(found, strings.TrimPrefix(msg.Subject, s.bucket.prefix), msg.Sequence)
		}
	}
	return found, nil
}

// Remove removes an entry, unless it was entered again since.
func (s *Subscriptions) Remove(ctx context.Context, one Subscriber) error {
	err := s.bucket.remove(ctx, one.key, one.revision, forgottenTTL)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// Try fails if entries cannot be written. It writes none.
func (s *Subscriptions) Try(ctx context.Context, source troupe.ID) error {
	_, err := s.bucket.put(ctx, subscriptionKey(source, "try")+"try", nil, 1<<62, 0)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

func subscriptionKey(source troupe.ID, event string) string {
	return source.Tokens() + "." + event + "."
}

func appendSubscriber(to []Subscriber, key string, revision uint64) []Subscriber {
	id, err := troupe.ParseID(strings.ReplaceAll(key[strings.LastIndexByte(key, '.')+1:], "/", "."))
	if err != nil {
		return to // not an entry of ours
	}
	return append(to, Subscriber{id, key, revision})
}

package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// Subscriptions is the bucket with the index of durable subscriptions: which actors may have to be woken for an event.
// The truth is in the records of the subscribers; a surplus entry costs a call.
type Subscriptions struct{ bucket *bucket }

// Subscriber is one entry of the index.
type Subscriber struct {
	ID troupe.ID
	entry
}

// unsubscribedTTL is how long the server remembers that a subscription has ended.
const unsubscribedTTL = time.Minute

var subscriptionBucket = bucketKind{
	purpose: forSubscriptions, suffix: "subscriptions", description: "Which actors subscribe to which durable events",
	deletedTTL: unsubscribedTTL,
}

// SubscriptionsQuestion is the subject on which [EventLog.FindIndex] asks.
func SubscriptionsQuestion(ns wire.Namespace) string {
	return "$JS.API.STREAM.INFO.KV_" + subscriptionBucket.name(ns)
}

// OpenSubscriptions opens the subscriptions of a namespace, and creates their bucket if there is none. See
// [OpenRecords].
func OpenSubscriptions(ctx context.Context, nc *nats.Conn, ns wire.Namespace, s Settings) (*Subscriptions, error) {
	bucket, err := subscriptionBucket.open(ctx, nc, ns, s, s.MaxBytes.Subscriptions)
	if err != nil {
		return nil, err
	}
	return &Subscriptions{bucket}, nil
}

// FindSubscriptions opens the subscriptions of a namespace, or returns nil if no host has made any.
func FindSubscriptions(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (*Subscriptions, error) {
	bucket, err := subscriptionBucket.find(ctx, nc, ns)
	if err != nil || bucket == nil {
		return nil, err
	}
	return &Subscriptions{bucket}, nil
}

// Add enters a subscriber to an event of an actor. It may be there already. The error has [troupe.CodeTooLarge] if the keys
// of both are too long for one subject.
func (s *Subscriptions) Add(ctx context.Context, source troupe.ID, event string, subscriber troupe.ID) error {
	key := entryKey(source, event, subscriber)
	if over := len(s.bucket.prefix) + len(key) - wire.MaxSubject; over > 0 {
		return errs.New(troupe.CodeTooLarge, "%.100s cannot subscribe to %s of %.100s: a subject with both keys is %d bytes too long",
			subscriber, event, source, over)
	}
	if _, err := s.putEmpty(ctx, key); err != nil {
		return fmt.Errorf("entering the subscription of %s to %s of %s: %w", subscriber, event, source, err)
	}
	return nil
}

// Has reports whether there is an entry of a subscriber.
func (s *Subscriptions) Has(ctx context.Context, source troupe.ID, event string, subscriber troupe.ID) (bool, error) {
	msg, err := s.bucket.last(ctx, s.bucket.prefix+entryKey(source, event, subscriber))
	if err != nil {
		return false, fmt.Errorf("reading the subscription of %s to %s of %s: %w", subscriber, event, source, err)
	}
	return msg != nil && !isDeletion(msg.Header), nil
}

func entryKey(source troupe.ID, event string, subscriber troupe.ID) string {
	return subscriptionKey(source, event) + strings.ReplaceAll(subscriber.Tokens(), ".", "/")
}

func (s *Subscriptions) putEmpty(ctx context.Context, key string) (entry, error) {
	ctx, wait := link.AwaitWrite(ctx, s.bucket.js.Conn(), s.bucket.prefix+key, writeTimeout)
	ack, err := s.bucket.js.Publish(ctx, s.bucket.prefix+key, nil)
	err = wait.End(err)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		s.bucket.suspect()
	}
	if err != nil {
		return entry{}, err
	}
	s.bucket.reach(ack.Sequence)
	return entry{key: key, revision: ack.Sequence}, nil
}

// Of returns the subscribers to an event of an actor.
func (s *Subscriptions) Of(ctx context.Context, source troupe.ID, event string) (subscribers []Subscriber, err error) {
	found, err := s.bucket.find(ctx, subscriptionKey(source, event)+"*")
	if err != nil {
		return nil, fmt.Errorf("reading the subscribers to %s of %s: %w", event, source, err)
	}
	for _, one := range found {
		tokens := one.key[strings.LastIndexByte(one.key, '.')+1:]
		if id, err := troupe.ParseID(strings.ReplaceAll(tokens, "/", ".")); err == nil { // others are not our entries
			subscribers = append(subscribers, Subscriber{id, one})
		}
	}
	return subscribers, nil
}

// Remove removes an entry, unless it was entered again since.
func (s *Subscriptions) Remove(ctx context.Context, one Subscriber) error {
	return s.remove(ctx, one.entry)
}

func (s *Subscriptions) remove(ctx context.Context, one entry) error {
	err := s.bucket.remove(ctx, one.key, one.revision, unsubscribedTTL)
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

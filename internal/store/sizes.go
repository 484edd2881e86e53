package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
)

// What is stored of each actor is known to the server alone, which tells it of a message at a time. It leaves the values out where it
// is asked by a consumer. That has a name of its own, so that the rights of a host need not allow any other.

// sizesConsumer is the name of the consumer, and sizesPage how many messages are asked for at a time.
const (
	sizesConsumer = "sizes"
	sizesPage     = 1000
	sizesPatience = 15 * time.Second // with the server, which forgets the consumer then
)

// StoredExtra is what a message takes besides its value and its subject, about.
const StoredExtra = 100

// Sized is a message of an actor: its record, or an item.
type Sized struct {
	ID    troupe.ID
	Bytes int64 // that the server keeps for it, once
}

// Sizes yields the sizes of all records and items, without reading them: those that are there when it begins, as they are while it
// runs. One that is written meanwhile may come twice. An error ends it. Only one may run at a time in a namespace: a second ends the
// first.
func (r *Records) Sizes(ctx context.Context) iter.Seq2[Sized, error] {
	return func(yield func(Sized, error) bool) {
		if err := r.sizes(ctx, func(one Sized) bool { return yield(one, nil) }); err != nil {
			yield(Sized{}, fmt.Errorf("looking at the sizes of what is stored: %w", explain(r.bucket.name(), err)))
		}
	}
}

func (r *Records) sizes(ctx context.Context, yield func(Sized) bool) error {
	return allowed(ctx, r.bucket.js.Conn(), r.bucket.name(), func(ctx context.Context) error {
		stream := r.bucket.stream
		if err := stream.DeleteConsumer(ctx, sizesConsumer); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
		consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Name: sizesConsumer, AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: true,
			InactiveThreshold: sizesPatience, MemoryStorage: true, Replicas: 1,
		})
		if err != nil {
			return err
		}
		for left := consumer.CachedInfo().NumPending; left > 0; {
			page, more, err := nextSizes(ctx, consumer, left)
			if err != nil {
				return err
			}
			left = more
			for _, msg := range page {
				if one, ok := r.sized(msg); ok && !yield(one) {
					return nil
				}
			}
		}
		return nil
	})
}

// nextSizes returns some of the messages that are left, and how many are left then.
func nextSizes(ctx context.Context, consumer jetstream.Consumer, left uint64) (page []jetstream.Msg, more uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, sizesPatience)
	defer cancel()
	fetched, err := consumer.Fetch(int(min(left, sizesPage)), jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(sizesPatience/3))
	if err != nil {
		return nil, 0, err
	}
	for msg := range fetched.Messages() {
		page = append(page, msg)
	}
	if err := fetched.Error(); err != nil || len(page) == 0 { // without an error, what was left is gone
		return nil, 0, err
	}
	last, err := page[len(page)-1].Metadata()
	if err != nil {
		return nil, 0, err
	}
	return page, last.NumPending, nil
}

// sized is what a message of the consumer tells, if it is of an actor.
func (r *Records) sized(msg jetstream.Msg) (one Sized, ok bool) {
	key := strings.TrimPrefix(msg.Subject(), r.bucket.prefix)
	if strings.HasPrefix(key, itemsPrefix) {
		one.ID, _, ok = parseItem(key)
	} else {
		id, err := troupe.ParseID(key)
		one.ID, ok = id, err == nil
	}
	value, err := strconv.ParseInt(msg.Headers().Get(nats.MsgSize), 10, 64)
	one.Bytes = value + int64(len(msg.Subject())) + StoredExtra
	return one, ok && err == nil
}

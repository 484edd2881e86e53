package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// A server that is killed as it takes an ack may know, when it is back, that a message was acked, and have it in its stream all the
// same. Nobody gets it any more. It would be counted as waiting, and take room in its queue, until another server leads the stream.

// leftoversAtOnce is how many are looked for at a time, leftoversPage how many messages are read at a time: most often the first is none.
const leftoversAtOnce, leftoversPage = 1000, 16

// Leftover is a message that is acked, and in its stream.
type Leftover struct {
	ripe     bool
	sequence uint64
	stored   int64 // in nanoseconds since 1970
}

// RemoveLeftovers removes the messages for actors of a type that are acked and in their stream, of those that were so before: others may
// be about to leave it, or have left it but for a replica that lags. It returns which there are. One that is younger than fresh
// comes again, for its actor knows it if it was handled: where a stream has lost its end, what has taken the place of that counts
// as acked as well.
func (q *Queues) RemoveLeftovers(
	ctx context.Context, actorType string, before []Leftover, fresh time.Duration,
) (found []Leftover, removed int, err error) {
	for _, ripe := range [...]bool{false, true} {
		stream, consumer, filter := q.streams.Load().queue, "queue-"+actorType, q.ns.QueueType(actorType)
		if ripe {
			stream, consumer, filter = q.streams.Load().later, "ripe-"+actorType, q.ns.RipeType(actorType)
		}
		floor, err := stream.ackFloor(ctx, consumer)
		if err != nil {
			return found, removed, err
		}
		for msg, err := range stream.scanBy(ctx, filter, jetstreamext.GetBatchSeq(1), leftoversPage) {
			if err != nil {
				return found, removed, fmt.Errorf("looking for messages that are acked: %w", err)
			}
			if msg.Sequence > floor || len(found) == leftoversAtOnce {
				break
			}
			one := Leftover{ripe, msg.Sequence, msg.Time.UnixNano()}
			if !slices.Contains(before, one) {
				found = append(found, one)
				continue
			}
			if err := q.removeLeftover(ctx, stream, msg, ripe, fresh); err != nil {
				return found, removed, err
			}
			removed++
		}
	}
	return found, removed, nil
}

// ackFloor is the sequence up to which all messages of a consumer are acked.
func (b *bucket) ackFloor(ctx context.Context, name string) (uint64, error) {
	asked, wait := b.reading(ctx, "$JS.API.CONSUMER.INFO.")
	consumer, err := b.stream.Consumer(asked, name)
	err = wait.End(err)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, nil // it is about to be made
	}
	if err != nil {
		return 0, fmt.Errorf("asking for the consumer %s: %w", name, explain(b.name(), err))
	}
	return consumer.CachedInfo().AckFloor.Stream, nil
}

func (q *Queues) removeLeftover(ctx context.Context, stream *bucket, msg *jetstream.RawStreamMsg, ripe bool, fresh time.Duration) error {
	if m, ok := q.parseStored(msg, ripe); ok && q.Now().Sub(msg.Time) < fresh {
		after := uint64(0)
		if ripe {
			after = msg.Sequence
		}
		switch moved, err := q.Moved(ctx, m, after); {
		case err != nil:
			return err
		case !moved:
			if err := q.Later(ctx, m.With(m.Attempts(), m.Waits(), m.Failure()), q.Now()); err != nil {
				return fmt.Errorf("having a message come again: %w", err)
			}
		}
	}
	return stream.deleteMessage(ctx, msg.Sequence)
}

// parseStored is the message of a queue that was read from its stream.
func (q *Queues) parseStored(msg *jetstream.RawStreamMsg, ripe bool) (*Message, bool) {
	parse := q.parseMessage
	if ripe {
		parse = q.parseRipe
	}
	logged, err := parse(msg.Subject, msg.Header, msg.Data)
	if err != nil {
		return nil, false
	}
	logged.Sequence, logged.Time = msg.Sequence, msg.Time
	return Fed{Logged: logged}.QueueMessage(), true
}

// deleteMessage deletes a message, if it is there.
func (b *bucket) deleteMessage(ctx context.Context, sequence uint64) error {
	asked, wait := b.reading(ctx, "$JS.API.STREAM.MSG.DELETE.")
	err := wait.End(b.stream.DeleteMsg(asked, sequence))
	if errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		if why := err.Error(); strings.Contains(why, "=10043 ") || strings.Contains(why, "no message found") {
			return nil // somebody else was faster
		}
	}
	return explain(b.name(), err)
}

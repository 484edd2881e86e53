package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// QueueCount is how many messages of a queue of an actor there are.
type QueueCount struct {
	Actor troupe.ID
	Queue string

	Waiting uint64 // to be handled now
	Later   uint64 // for a time, after a failure or because there are too many
	Dead    uint64 // letters
	// HeldUp is what tells when the messages of a queue in order are handled that waits for a time. If its next one has failed, it says
	// how often, and why.
	HeldUp *Message
}

// QueueCounts returns the queues that have messages or dead letters, of the actors of a type or, if it is empty, of all, by actor and
// name.
func QueueCounts(ctx context.Context, nc *nats.Conn, ns wire.Namespace, actorType string) ([]QueueCount, error) {
	return queueCounts(ctx, nc, ns, func(kind string) string { return ns.Moved(kind, actorType) })
}

// QueueCountsOf returns the same of one actor.
func QueueCountsOf(ctx context.Context, nc *nats.Conn, ns wire.Namespace, id troupe.ID) ([]QueueCount, error) {
	return queueCounts(ctx, nc, ns, func(kind string) string { return ns.MovedOf(kind, id) })
}

// queueCounts counts the messages of each kind whose subjects match a filter.
func queueCounts(ctx context.Context, nc *nats.Conn, ns wire.Namespace, filter func(kind string) string) ([]QueueCount, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	type key struct {
		actor troupe.ID
		queue string
	}
	counts := make(map[key]*QueueCount)
	count := func(id troupe.ID, queue string) *QueueCount {
		at := key{id, queue}
		if counts[at] == nil {
			counts[at] = &QueueCount{Actor: id, Queue: queue}
		}
		return counts[at]
	}
	bells := make(map[key]bool)
	for stream, kinds := range map[string][]string{
		QueueName(ns): {"queue"}, InOrderName(ns): {"inorder"}, LaterName(ns): {"later", "ripe"}, DeadName(ns): {"dead"},
	} {
		for _, kind := range kinds {
			subjects, err := subjectsOf(ctx, js, stream, filter(kind))
			if err != nil {
				return nil, err
			}
			for subject, n := range subjects {
				id, queue, message, ok := queueOf(ns, kind, subject)
				switch {
				case !ok:
				case message == wire.BellMessage:
					bells[key{id, queue}] = kind == "later"
				case kind == "later":
					count(id, queue).Later += n
				case kind == "dead":
					count(id, queue).Dead += n
				default:
					count(id, queue).Waiting += n
				}
			}
		}
	}
	all := make([]QueueCount, 0, len(counts))
	for at, one := range counts {
		if bells[at] {
			if one.HeldUp, err = bellOf(ctx, js, ns, at.actor, at.queue); err != nil {
				return nil, err
			}
			one.Waiting, one.Later = 0, one.Waiting+one.Later
		}
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b QueueCount) int {
		return cmp.Or(cmp.Compare(a.Actor.Tokens(), b.Actor.Tokens()), cmp.Compare(a.Queue, b.Queue))
	})
	return all, nil
}

// queueOf parses the subject of a message of a queue that is of this kind.
func queueOf(ns wire.Namespace, kind, subject string) (id troupe.ID, queue, message string, ok bool) {
	switch kind {
	case "queue":
		id, queue, ok = ns.ParseQueue(subject)
		return id, queue, "", ok
	case "inorder":
		id, queue, ok = ns.ParseInOrder(subject)
		return id, queue, "", ok
	}
	return ns.ParseMoved(subject, kind)
}

// bellOf returns what tells when the messages of a queue in order are handled, or nil if it has just told.
func bellOf(ctx context.Context, js jetstream.JetStream, ns wire.Namespace, id troupe.ID, queue string) (*Message, error) {
	stream, err := findStream(ctx, js, LaterName(ns))
	if err != nil || stream == nil {
		return nil, err
	}
	msg, err := newBucket(js, stream, "").last(ctx, ns.Later(id, queue, wire.BellMessage))
	if err != nil || msg == nil {
		return nil, err
	}
	return &Message{Actor: id, Queue: queue, ID: wire.BellMessage, Stored: msg.Time, Header: msg.Header}, nil
}

// subjectsOf returns how many messages the subjects of a stream have that match a filter: none if there is no stream.
func subjectsOf(ctx context.Context, js jetstream.JetStream, name, filter string) (map[string]uint64, error) {
	stream, err := findStream(ctx, js, name)
	if err != nil || stream == nil {
		return nil, err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(filter)) // in as many requests as it takes
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the subjects %s: %w", filter, explain(name, err))
	}
	return info.State.Subjects, nil
}

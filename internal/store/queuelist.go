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
}

// QueueCounts returns the queues that have messages or dead letters, of the actors of a type or, if it is empty, of all, by actor and
// name.
func QueueCounts(ctx context.Context, nc *nats.Conn, ns wire.Namespace, actorType string) ([]QueueCount, error) {
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
	for stream, kinds := range map[string][]string{QueueName(ns): {"queue"}, LaterName(ns): {"later", "ripe"}, DeadName(ns): {"dead"}} {
		for _, kind := range kinds {
			subjects, err := subjectsOf(ctx, js, stream, ns.Moved(kind, actorType))
			if err != nil {
				return nil, err
			}
			for subject, n := range subjects {
				id, queue, ok := ns.ParseQueue(subject)
				if kind != "queue" {
					id, queue, _, ok = ns.ParseMoved(subject, kind)
				}
				switch {
				case !ok:
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
	for _, one := range counts {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b QueueCount) int {
		return cmp.Or(cmp.Compare(a.Actor.Tokens(), b.Actor.Tokens()), cmp.Compare(a.Queue, b.Queue))
	})
	return all, nil
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

package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// DeadMessages yields the dead letters whose subjects match a filter, the oldest first. An error ends it.
func DeadMessages(ctx context.Context, nc *nats.Conn, ns wire.Namespace, filter string) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		js, err := jetstream.New(nc)
		if err != nil {
			yield(nil, fmt.Errorf("using JetStream: %w", err))
			return
		}
		stream, err := findStream(ctx, js, DeadName(ns))
		if err != nil || stream == nil {
			if err != nil {
				yield(nil, err)
			}
			return
		}
		for msg, err := range newBucket(js, stream, "").scan(ctx, filter, jetstreamext.GetBatchSeq(1)) {
			if err != nil {
				yield(nil, err)
				return
			}
			id, queue, message, ok := ns.ParseMoved(msg.Subject, "dead")
			if !ok {
				continue
			}
			m := &Message{Actor: id, Queue: queue, ID: message, Stored: msg.Time, Header: msg.Header, Data: msg.Data}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Unbury takes a dead letter away, and returns it, or nil if there is none. Before that, again is called with it.
func (q *Queues) Unbury(ctx context.Context, m *Message, again func(*Message) error) (*Message, error) {
	dead := q.streams.Load().dead
	msg, err := dead.newest(ctx, q.ns.Dead(m.Actor, m.Queue, m.ID))
	if err != nil || msg == nil {
		return nil, err
	}
	m.Stored, m.Header, m.Data = msg.Time, msg.Header, msg.Data
	if err := again(m); err != nil {
		return nil, err
	}
	return m, dead.deleteMessage(ctx, msg.Sequence)
}

// IsDead reports whether there is a dead letter with this ID.
func (q *Queues) IsDead(ctx context.Context, id troupe.ID, queue, message string) (bool, error) {
	msg, err := q.streams.Load().dead.newest(ctx, q.ns.Dead(id, queue, message))
	return msg != nil, err
}

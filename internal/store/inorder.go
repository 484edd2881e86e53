package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// A queue that is in order is a log: its messages stay where they are until they are done with, and the actor reads them from its
// place. The feed of the stream only tells that there are some. Its messages are acked when somebody else will tell: so what holds
// up its queue is not in hand of anybody.

// InOrderName is the name of the stream with the queues that are in order.
func InOrderName(ns wire.Namespace) string { return ns.Name() + "-inorder" }

func inOrderConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	config := queueConfig(ns, s)
	config.Name = InOrderName(ns)
	config.Description = "Messages that actors are to handle in order"
	config.Subjects = []string{ns.Name() + ".inorder.>"}
	config.Retention = jetstream.LimitsPolicy
	return config
}

// OpenInOrder opens the streams of queues, and that of those in order, and makes those that are not there.
func (q *Queues) OpenInOrder(ctx context.Context) error {
	if err := q.Open(ctx); err != nil || q.inOrder.Load() != nil {
		return err
	}
	q.opening.Lock()
	defer q.opening.Unlock()
	if q.inOrder.Load() != nil {
		return nil
	}
	js, err := jetstream.New(q.nc)
	if err != nil {
		return fmt.Errorf("using JetStream: %w", err)
	}
	settings := q.settings
	settings.MaxMessage = q.nc.MaxPayload() - wire.QueueRoom
	opened, err := openBucket(ctx, js, forInOrder, inOrderConfig(q.ns, settings), settings)
	if err != nil {
		return err
	}
	q.inOrder.Store(opened)
	return nil
}

// InOrder is [Queues.Messages] for queues that are in order. What comes has no body.
func (q *Queues) InOrder(ctx context.Context, actorType string, patience time.Duration, prefetch int, failed func(error)) (*Feed, error) {
	config := queueConsumer("inorder-"+actorType, q.ns.InOrderType(actorType), patience)
	config.HeadersOnly = true
	return openFeed(ctx, &Feed{stream: q.inOrder.Load(), parse: q.parseInOrder, prefetch: prefetch, failed: failed, config: config})
}

func (q *Queues) parseInOrder(subject string, header nats.Header, data []byte) (Logged, error) {
	id, queue, ok := q.ns.ParseInOrder(subject)
	if !ok {
		return Logged{}, fmt.Errorf("%q is not the subject of a queue", subject)
	}
	return Logged{Actor: id, Event: queue, Header: header, Data: data}, nil
}

// PageOfMessages is how many messages [Queues.Waiting] returns at most.
const PageOfMessages = 64

const bytesOfMessages = 256 << 10

// Waiting is a message in a queue that is in order.
type Waiting struct {
	*Message
	Sequence uint64
}

// Waiting returns the first messages of a queue that is in order, from a sequence of the stream on, and whether there may be more. Any
// replica may reply, which may lag.
func (q *Queues) Waiting(ctx context.Context, id troupe.ID, queue string, from uint64) (waiting []Waiting, more bool, err error) {
	stream := q.inOrder.Load()
	found, end, err := stream.scanPage(ctx, q.ns.InOrder(id, queue), jetstreamext.GetBatchSeq(from), PageOfMessages, bytesOfMessages)
	if err != nil {
		return nil, false, fmt.Errorf("reading the queue %s of %s: %w", queue, id, err)
	}
	for _, msg := range found {
		m := &Message{Actor: id, Queue: queue, Stored: msg.Time, Header: msg.Header, Data: msg.Data}
		m.ID = wire.MessageID(msg.Header, msg.Time, msg.Sequence)
		waiting = append(waiting, Waiting{m, msg.Sequence})
	}
	return waiting, !end, nil
}

// FirstInOrder returns the ID of the first message of a queue that is in order, or nothing if there is none. It may be done with.
func FirstInOrder(ctx context.Context, nc *nats.Conn, ns wire.Namespace, id troupe.ID, queue string) (string, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return "", fmt.Errorf("using JetStream: %w", err)
	}
	stream, err := findStream(ctx, js, InOrderName(ns))
	if err != nil || stream == nil {
		return "", err
	}
	found, _, err := newBucket(js, stream, "").scanPage(ctx, ns.InOrder(id, queue), jetstreamext.GetBatchSeq(1), 1, 1)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return wire.MessageID(found[0].Header, found[0].Time, found[0].Sequence), nil
}

// Delete deletes a message of a queue that is in order, which is done with.
func (q *Queues) Delete(ctx context.Context, sequence uint64) error {
	return q.inOrder.Load().deleteMessage(ctx, sequence)
}

// Ring has somebody told at a time that there are messages in a queue that is in order, unless somebody is to be told already. It returns
// when. Head says of the message that the others wait for what is known of it.
func (q *Queues) Ring(ctx context.Context, head *Message, at time.Time) (rings time.Time, err error) {
	bell := *head
	bell.ID, bell.Data = wire.BellMessage, nil
	return q.later(ctx, &bell, at)
}

// Enter puts a message that has waited elsewhere at the end of its queue, which is in order. The error is [ErrQueueFull] where it is.
func (q *Queues) Enter(ctx context.Context, m *Message) error {
	if err := q.OpenInOrder(ctx); err != nil {
		return err
	}
	stream := q.inOrder.Load()
	entered := m.With(0, 0, "")
	for _, name := range []string{wire.HeaderNotBefore, wire.HeaderInOrder, wire.HeaderFailure} {
		delete(entered.Header, name)
	}
	if wire.FirstHeader(entered.Header, wire.HeaderPushID) == "" { // so that it is known if it enters twice
		entered.Header[wire.HeaderPushID] = []string{"~" + m.ID}
	}
	err := Push(ctx, stream.js, &nats.Msg{Subject: q.ns.InOrder(m.Actor, m.Queue), Header: entered.Header, Data: m.Data})
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		stream.suspect()
	}
	return err
}

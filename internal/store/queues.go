package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/wire"
)

// Queues are the streams with the messages that actors are to handle: those that may be handled now, in which each actor's queue
// is a subject of its own and has room for so many; those that wait for a time; and those that were given up. They are made
// by hosts, when the first needs them. It is safe for concurrent use.
type Queues struct {
	nc       *nats.Conn
	ns       wire.Namespace
	settings Settings
	clock    *Alarms       // whose clock is that of the server
	opened   chan struct{} // closed when the streams have been opened

	opening sync.Mutex // held while the streams are opened
	streams atomic.Pointer[queueStreams]
	inOrder atomic.Pointer[bucket]
}

type queueStreams struct{ queue, later, dead *bucket }

// NewQueues returns the queues of a namespace.
func NewQueues(nc *nats.Conn, ns wire.Namespace, clock *Alarms, s Settings) *Queues {
	return &Queues{nc: nc, ns: ns, settings: s, clock: clock, opened: make(chan struct{})}
}

// QueueName is the name of the stream with the messages that may be handled now.
func QueueName(ns wire.Namespace) string { return ns.Name() + "-queue" }

// LaterName is the name of the stream with the messages that wait.
func LaterName(ns wire.Namespace) string { return ns.Name() + "-later" }

// DeadName is the name of the stream with dead letters.
func DeadName(ns wire.Namespace) string { return ns.Name() + "-dead" }

const (
	// DefaultQueueLength is how many messages a queue of an actor has room for.
	DefaultQueueLength = 10_000
	// keepDead is how long dead letters are kept.
	keepDead = 30 * 24 * time.Hour
	// duplicateWindow is how long JetStream itself knows the ids of messages.
	duplicateWindow = 2 * time.Minute
)

func queueConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	config := jetstream.StreamConfig{
		Name:                 QueueName(ns),
		Description:          "Messages that actors are to handle",
		Subjects:             []string{ns.Name() + ".queue.>"},
		Retention:            jetstream.WorkQueuePolicy,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		MaxMsgsPerSubject:    DefaultQueueLength,
		MaxBytes:             s.MaxBytes.Queues,
		Duplicates:           duplicateWindow,
		AllowDirect:          true,
	}
	if s.QueueLength > 0 {
		config.MaxMsgsPerSubject = int64(s.QueueLength)
	}
	if s.MaxMessage > 0 {
		config.MaxMsgSize = int32(s.MaxMessage)
	}
	return config
}

func laterConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              LaterName(ns),
		Description:       "Messages that actors are to handle later",
		Subjects:          []string{ns.Name() + ".later.>", ns.Name() + ".ripe.>"},
		Retention:         jetstream.WorkQueuePolicy,
		MaxMsgsPerSubject: 1,
		MaxBytes:          s.MaxBytes.Later,
		AllowDirect:       true,
		AllowMsgSchedules: true,
	}
}

func deadConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              DeadName(ns),
		Description:       "Messages that were given up",
		Subjects:          []string{ns.Name() + ".dead.>"},
		MaxAge:            keepDead,
		MaxBytes:          s.MaxBytes.Dead,
		MaxMsgsPerSubject: 1,
		AllowDirect:       true,
	}
}

// Open opens the streams, and makes those that are not there.
func (q *Queues) Open(ctx context.Context) error {
	if q.streams.Load() != nil {
		return nil
	}
	q.opening.Lock()
	defer q.opening.Unlock()
	if q.streams.Load() != nil {
		return nil
	}
	js, err := jetstream.New(q.nc)
	if err != nil {
		return fmt.Errorf("using JetStream: %w", err)
	}
	var s queueStreams
	settings := q.settings
	settings.MaxMessage = q.nc.MaxPayload() - wire.QueueRoom
	if s.dead, err = openBucket(ctx, js, forDead, deadConfig(q.ns, settings), settings); err != nil {
		return err
	}
	if s.later, err = openBucket(ctx, js, forLater, laterConfig(q.ns, settings), settings); err != nil {
		return err
	}
	if s.queue, err = openBucket(ctx, js, forQueues, queueConfig(q.ns, settings), settings); err != nil {
		return err
	}
	q.streams.Store(&s)
	close(q.opened)
	return nil
}

// Opened is closed once the streams are open.
func (q *Queues) Opened() <-chan struct{} { return q.opened }

// Check is [Records.Check] for the streams, if they are open.
func (q *Queues) Check(ctx context.Context) ([]*Replaced, error) {
	s := q.streams.Load()
	if s == nil {
		return nil, nil
	}
	var all []*Replaced
	for _, stream := range []*bucket{s.queue, s.later, s.dead, q.inOrder.Load()} {
		if stream == nil {
			continue
		}
		replaced, err := stream.check(ctx)
		if err != nil {
			return all, err
		}
		if replaced != nil {
			all = append(all, replaced)
		}
	}
	return all, nil
}

// Now is the time by the clock of the server, on which messages are ripe.
func (q *Queues) Now() time.Time { return q.clock.Now() }

// MaxInHand is how many messages of a type may be in hand at all hosts together. The server keeps the others. It is more than
// hosts ever have: what waits, they move.
const MaxInHand = 65_536

// Messages opens the feed of the messages for actors of a type, and Ripe that of those that have waited. A message that is
// neither acked nor reported as in progress within patience is delivered to another host.
func (q *Queues) Messages(ctx context.Context, actorType string, patience time.Duration, prefetch int, failed func(error)) (*Feed, error) {
	return openFeed(ctx, &Feed{stream: q.streams.Load().queue, parse: q.parseMessage, prefetch: prefetch, failed: failed,
		config: queueConsumer("queue-"+actorType, q.ns.QueueType(actorType), patience)})
}

// Ripe is Messages for those that have waited.
func (q *Queues) Ripe(ctx context.Context, actorType string, patience time.Duration, prefetch int, failed func(error)) (*Feed, error) {
	return openFeed(ctx, &Feed{stream: q.streams.Load().later, parse: q.parseRipe, prefetch: prefetch, failed: failed,
		config: queueConsumer("ripe-"+actorType, q.ns.RipeType(actorType), patience)})
}

func queueConsumer(name, filter string, patience time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:        name,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        patience,
		MaxAckPending:  MaxInHand,
		FilterSubjects: []string{filter}, // which, unlike one alone, is not a part of the subject that is asked
	}
}

func (q *Queues) parseMessage(subject string, header nats.Header, data []byte) (Logged, error) {
	id, queue, ok := q.ns.ParseQueue(subject)
	if !ok {
		return Logged{}, fmt.Errorf("%q is not the subject of a queue", subject)
	}
	return Logged{Actor: id, Event: queue, Header: header, Data: data}, nil
}

func (q *Queues) parseRipe(subject string, header nats.Header, data []byte) (Logged, error) {
	id, queue, message, ok := q.ns.ParseMoved(subject, "ripe")
	if !ok {
		return Logged{}, fmt.Errorf("%q is not the subject of a message that has waited", subject)
	}
	return Logged{Actor: id, Event: queue, Message: message, Header: header, Data: data}, nil
}

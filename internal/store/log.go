package store

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// Log is the stream with the durable events of a namespace. The server republishes what is stored on the subject of the
// event, so nobody hears an event that is not stored.
type Log struct {
	ns     wire.Namespace
	stream *bucket
}

// Logged is an event in the log.
type Logged struct {
	Actor    troupe.ID
	Event    string // or the queue of a message
	Message  string // the ID of one that has waited
	Place    wire.Place
	Sequence uint64 // in the stream
	Time     time.Time
	Header   nats.Header
	Data     []byte
}

// LogName is the name of the stream with the log of a namespace.
func LogName(ns wire.Namespace) string { return ns.Name() + "-events" }

// OpenLog opens the log of a namespace, and creates it if there is none. When it is full, the oldest events go. See
// [OpenRecords].
func OpenLog(ctx context.Context, nc *nats.Conn, ns wire.Namespace, s Settings) (*Log, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	stream, err := openBucket(ctx, js, forEvents, logConfig(ns, s), s)
	if err != nil {
		return nil, err
	}
	return &Log{ns, stream}, nil
}

func logConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        LogName(ns),
		Description: "The durable events of all actors",
		Subjects:    []string{ns.Name() + ".log.>"},
		MaxAge:      s.KeepEvents,
		MaxBytes:    s.MaxBytes.Events,
		AllowDirect: true,
		RePublish:   &jetstream.RePublish{Source: ns.Name() + ".log.>", Destination: ns.Name() + ".event.>"},
	}
}

// FindLog opens the log of a namespace for reading. It returns nil if there is none: then no events are kept.
func FindLog(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (*Log, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	stream, err := findStream(ctx, js, LogName(ns))
	if err != nil || stream == nil {
		return nil, err
	}
	return &Log{ns, newBucket(js, stream, ns.Name()+".log.")}, nil
}

// Append stores an event and returns its sequence in the stream. Expected is the sequence of the actor's previous event
// with that name, zero for the first. The errors are those of [Records.Put].
func (l *Log) Append(ctx context.Context, id troupe.ID, e record.Emitted, expected uint64) (uint64, error) {
	msg := &nats.Msg{Subject: l.ns.Log(id, e.Event), Data: e.Payload, Header: wire.EventHeader(e.Place(), e.Except)}
	if e.Trace != "" {
		msg.Header[troupe.HeaderTraceParent] = []string{e.Trace}
	}
	return l.stream.write(ctx, msg, expected, 0)
}

// Last returns the position and the stream sequence of an actor's last kept event with a name: zero if there is none.
func (l *Log) Last(ctx context.Context, id troupe.ID, event string) (troupe.Position, uint64, error) {
	msg, err := l.stream.last(ctx, l.ns.Log(id, event))
	return placeOf(id, event, msg, err)
}

// Newest is Last for a caller that must not miss what has just been stored.
func (l *Log) Newest(ctx context.Context, id troupe.ID, event string) (troupe.Position, uint64, error) {
	msg, err := l.stream.newest(ctx, l.ns.Log(id, event))
	return placeOf(id, event, msg, err)
}

func placeOf(id troupe.ID, event string, msg *jetstream.RawStreamMsg, err error) (troupe.Position, uint64, error) {
	switch {
	case err != nil:
		return troupe.Position{}, 0, fmt.Errorf("reading the last %s of %s: %w", event, id, err)
	case msg == nil:
		return troupe.Position{}, 0, nil
	}
	return wire.ParsePlace(msg.Header).Position, msg.Sequence, nil
}

// LastOfEach yields the last event of each actor and name in the log, without its data. An error ends it.
func (l *Log) LastOfEach(ctx context.Context) iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		for msg, err := range l.stream.newestOfEach(ctx, l.ns.Name()+".log.>") {
			if err != nil {
				yield(Logged{}, fmt.Errorf("reading the last events in the log: %w", err))
				return
			}
			one, invalid := l.parse(msg.Subject, msg.Header, nil)
			one.Sequence, one.Time = msg.Sequence, msg.Time
			if invalid == nil && !yield(one, nil) {
				return
			}
		}
	}
}

// The server counts time in nanoseconds since 1970, in 64 bits. It mistakes times that do not fit.
var firstTime, lastTime = time.Unix(0, 0), time.Unix(0, math.MaxInt64)

// Read yields the kept events of an actor, from a sequence of the stream or a time on. An empty name means all names.
// An error ends it.
func (l *Log) Read(ctx context.Context, id troupe.ID, event string, from uint64, since time.Time) iter.Seq2[Logged, error] {
	if event == "" {
		event = "*"
	}
	return l.ReadSubject(ctx, l.ns.Log(id, event), from, since)
}

// ReadSubject is [Log.Read] for the actors and events that a subject of the log matches, which may have wildcards.
func (l *Log) ReadSubject(ctx context.Context, subject string, from uint64, since time.Time) iter.Seq2[Logged, error] {
	start := jetstreamext.GetBatchSeq(max(from, 1))
	if since.After(firstTime) {
		start = jetstreamext.GetBatchStartTime(since)
	}
	return func(yield func(Logged, error) bool) {
		if since.After(lastTime) {
			return
		}
		for msg, err := range l.stream.scan(ctx, subject, start) {
			var one Logged
			if err == nil {
				one, err = l.parse(msg.Subject, msg.Header, msg.Data)
			}
			if err != nil {
				yield(Logged{}, fmt.Errorf("reading the events on %s: %w", subject, err))
				return
			}
			one.Sequence, one.Time = msg.Sequence, msg.Time
			if !yield(one, nil) {
				return
			}
		}
	}
}

func (l *Log) parse(subject string, header nats.Header, data []byte) (Logged, error) {
	id, event, ok := l.ns.ParseLog(subject)
	if !ok {
		return Logged{}, fmt.Errorf("%q is not the subject of an event", subject)
	}
	return Logged{Actor: id, Event: event, Place: wire.ParsePlace(header), Header: header, Data: data}, nil
}

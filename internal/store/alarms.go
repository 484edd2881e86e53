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

// Alarms is the stream with the alarms of actors, one for each at most, and with those that have rung: a work queue, which
// keeps what has rung until somebody has done with it. The stream is made with the first alarm, because many hosts need none.
// It is safe for concurrent use.
type Alarms struct {
	Blind bool // an alarm may be made later before it has rung, to see whether that is noticed

	nc       *nats.Conn
	ns       wire.Namespace
	settings Settings
	records  *Records      // whose writer sends alarms too
	opened   chan struct{} // closed when the stream has been opened

	began  time.Time
	offset atomic.Int64 // of the server's clock from began, in nanoseconds since 1970

	opening sync.Mutex // held while the stream is opened
	stream  atomic.Pointer[bucket]
}

// NewAlarms returns the alarms of a namespace, which are sent with the writes of its records.
func NewAlarms(nc *nats.Conn, ns wire.Namespace, records *Records, s Settings) *Alarms {
	return &Alarms{nc: nc, ns: ns, settings: s, records: records, opened: make(chan struct{}), began: time.Now()}
}

// AlarmsName is the name of the stream with the alarms of a namespace.
func AlarmsName(ns wire.Namespace) string { return ns.Name() + "-due" }

// AlarmsQuestion is the subject on which [Alarms.Check] asks.
func AlarmsQuestion(ns wire.Namespace) string { return askInfo + AlarmsName(ns) }

func alarmsConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              AlarmsName(ns),
		Description:       "When actors are to run what they have scheduled",
		Subjects:          []string{ns.Name() + ".alarm.>", ns.Name() + ".due.>"},
		Retention:         jetstream.WorkQueuePolicy,
		MaxMsgsPerSubject: 1,
		MaxBytes:          s.MaxBytes.Alarms,
		AllowDirect:       true,
		AllowMsgSchedules: true,
	}
}

// Open opens the stream, and makes it if there is none.
func (a *Alarms) Open(ctx context.Context) error {
	if a.stream.Load() != nil {
		return nil
	}
	a.opening.Lock()
	defer a.opening.Unlock()
	if a.stream.Load() != nil {
		return nil
	}
	js, err := jetstream.New(a.nc)
	if err != nil {
		return fmt.Errorf("using JetStream: %w", err)
	}
	stream, err := openBucket(ctx, js, forAlarms, alarmsConfig(a.ns, a.settings), a.settings)
	if err != nil {
		return err
	}
	if err := a.readClock(ctx, stream); err != nil {
		return err
	}
	a.stream.Store(stream)
	close(a.opened)
	return nil
}

// Opened is closed once the stream is open.
func (a *Alarms) Opened() <-chan struct{} { return a.opened }

// Check is [Records.Check] for the alarms, if they are open. If they are not, it opens a stream that another host has made.
func (a *Alarms) Check(ctx context.Context) (*Replaced, error) {
	if stream := a.stream.Load(); stream != nil {
		return stream.check(ctx)
	}
	js, err := jetstream.New(a.nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	found, err := findStream(ctx, js, AlarmsName(a.ns))
	if err != nil || found == nil {
		return nil, err
	}
	return nil, a.Open(ctx)
}

// ReadClock finds out what the time is by the clock of the server, on which alarms ring. Clocks drift: call it now and then.
func (a *Alarms) ReadClock(ctx context.Context) error {
	if stream := a.stream.Load(); stream != nil {
		return a.readClock(ctx, stream)
	}
	return nil
}

// clockReadings is how often the clock is read at a time, until an answer comes within clockGood.
const clockReadings, clockGood = 4, time.Millisecond

// readClock reads the clock a few times. Nobody knows how long the question was under way and how long the answer, so what is
// taken for the time is what the answer says as it arrives: that is behind, and nothing runs early. The fastest answer counts.
func (a *Alarms) readClock(ctx context.Context, stream *bucket) error {
	offset := int64(0)
	for range clockReadings {
		var reply struct {
			Time time.Time `json:"ts"`
		}
		sent := time.Since(a.began)
		if err := stream.info(ctx, nil, &reply); err != nil {
			return fmt.Errorf("asking the server for the time: %w", err)
		}
		back := time.Since(a.began)
		if reply.Time.IsZero() {
			return nil
		}
		if offset = max(offset, reply.Time.Add(-back).UnixNano()); back-sent < clockGood {
			break
		}
	}
	a.offset.Store(offset)
	return nil
}

// Now is the time by the clock of the server, as far as it is known, unless a test moves it.
func (a *Alarms) Now() time.Time { return a.settings.Clock.Now(a.serverTime()) }

func (a *Alarms) serverTime() time.Time {
	offset := a.offset.Load()
	if offset == 0 {
		return time.Now()
	}
	return time.Unix(0, offset).Add(time.Since(a.began))
}

// Skew is how far the clock of this machine is ahead of the server's.
func (a *Alarms) Skew() time.Duration { return time.Until(a.serverTime()) * -1 }

// MaxRings is how many rings of a type may be under way at all hosts together. The server keeps the others.
const MaxRings = 4096

// Rings opens the feed of what rings for the actors of a type. A ring that is neither acked nor reported as in progress within
// patience is delivered to another host.
func (a *Alarms) Rings(ctx context.Context, actorType string, patience time.Duration, prefetch int, failed func(error)) (*Feed, error) {
	f, err := openFeed(ctx, &Feed{stream: a.stream.Load(), parse: a.parseRing, prefetch: prefetch, failed: failed,
		config: jetstream.ConsumerConfig{
			Durable:        "due-" + actorType,
			DeliverPolicy:  jetstream.DeliverAllPolicy,
			AckPolicy:      jetstream.AckExplicitPolicy,
			AckWait:        patience,
			MaxAckPending:  MaxRings,
			FilterSubjects: a.ns.DueType(actorType),
		}})
	if err != nil {
		return nil, fmt.Errorf("opening the feed of alarms for %s: %w", actorType, err)
	}
	return f, nil
}

func (a *Alarms) parseRing(subject string, header nats.Header, data []byte) (Logged, error) {
	id, ok := a.ns.ParseDue(subject)
	if !ok {
		return Logged{}, fmt.Errorf("%q is not the subject of an alarm", subject)
	}
	return Logged{Actor: id, Header: header, Data: data}, nil
}

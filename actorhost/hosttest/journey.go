package hosttest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/travel"
	"github.com/troupe-go/troupe/internal/wire"
)

// travelTimeout bounds how long, in real time, one step may take.
const travelTimeout = 30 * time.Second

const readTimeout = 5 * time.Second

// journey looks for what is due next.
type journey struct {
	b       *Bus
	js      jetstream.JetStream
	ctx     context.Context //nolint:containedctx // that of the journey
	cancel  context.CancelFunc
	streams map[wire.Namespace]jetstream.Stream
	known   map[place]time.Time // when something is really due; zero: nothing is
}

// place is where a journey may stop.
type place struct {
	ns    wire.Namespace
	actor troupe.ID
	alarm uint64 // the sequence of an alarm that has not rung
	later uint64 // the sequence of a message of a queue that waits
	rang  bool   // it has, and is not seen to
	awake bool   // the actor is awake, and has it in memory
}

// stop is a place with the time to be there.
type stop struct {
	place

	at time.Time
}

// stream returns the stream with the alarms of a namespace.
func (j *journey) stream(ns wire.Namespace) (stream jetstream.Stream, err error) {
	if stream = j.streams[ns]; stream == nil {
		if stream, err = j.js.Stream(j.ctx, store.AlarmsName(ns)); err == nil {
			j.streams[ns] = stream
		}
	}
	return stream, err
}

func (b *Bus) newJourney() *journey {
	b.tb.Helper()
	js, err := jetstream.New(b.traveller())
	if err != nil {
		b.tb.Fatal(err)
	}
	j := &journey{b: b, js: js, streams: make(map[wire.Namespace]jetstream.Stream), known: make(map[place]time.Time)}
	j.ctx, j.cancel = context.WithCancel(context.WithoutCancel(b.tb.Context()))
	j.tellHosts()
	return j
}

// traveller is the connection over which time is moved.
func (b *Bus) traveller() *nats.Conn {
	if b.travels == nil {
		b.travels = b.Connect()
	}
	return b.travels
}

// clientOf returns a client in a namespace.
func (j *journey) clientOf(ns wire.Namespace) *client.Client {
	c := j.b.clients[ns]
	if c == nil {
		c = j.b.NewClient(client.Config{Namespace: ns.Name()})
		j.b.clients[ns] = c
	}
	return c
}

// next returns what is due next, all at the same time.
func (j *journey) next() []stop {
	stops := append(j.stored(">"), j.later()...) // at once: an alarm that is due may ring by itself meanwhile
	for _, host := range j.b.clock.Hosts() {
		if ns, tokens, at, ok := host.NextDue(); ok {
			stops = append(stops, stop{place{ns: ns, actor: j.id(tokens), awake: true}, at})
		}
	}
	stops = slices.DeleteFunc(stops, func(s stop) bool { return s.rang && !s.at.After(j.b.Now()) }) // nobody is there for it
	for i := range stops {
		if at, known := j.known[stops[i].place]; known {
			stops[i].at = at
		}
	}
	stops = slices.DeleteFunc(stops, func(s stop) bool { return s.at.IsZero() })
	slices.SortFunc(stops, func(a, b stop) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(b.alarm, a.alarm), cmp.Compare(a.later, b.later),
			cmp.Compare(a.actor.Tokens(), b.actor.Tokens()))
	})
	for i, s := range stops {
		if !s.at.Equal(stops[0].at) {
			return stops[:i]
		}
	}
	return stops
}

func (j *journey) id(tokens string) troupe.ID {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		j.b.tb.Fatal(err)
	}
	return id
}

// ringing returns an alarm that has rung for a host that is up, and is not seen to.
func (j *journey) ringing() *stop {
	for _, s := range j.stored("due.>") {
		if j.mustRun(s) {
			return &s
		}
	}
	return nil
}

// stillRings is ringing for one actor.
func (j *journey) stillRings(stream jetstream.Stream, p place) *stop {
	msg, err := stream.GetLastMsgForSubject(j.ctx, p.ns.Due(p.actor))
	if err != nil {
		j.failed(err)
		return nil
	}
	if s := (stop{p, time.UnixMilli(wire.ParseAlarmBody(msg.Data))}); j.mustRun(s) {
		return &s
	}
	return nil
}

// mustRun reports whether what has rung is due, and a host is up for it.
func (j *journey) mustRun(s stop) bool {
	return !s.at.After(j.b.Now()) && slices.ContainsFunc(j.b.clock.Hosts(), func(h travel.Host) bool {
		return h.RunsType(s.ns, s.actor.Type())
	})
}

// stored returns the alarms of actors and what has rung, by subjects within the namespace.
func (j *journey) stored(subjects string) (stops []stop) {
	for _, ns := range j.b.allNamespaces() {
		found, err := j.read(ns, subjects)
		for began := time.Now(); errors.Is(err, context.DeadlineExceeded) && time.Since(began) < travelTimeout; { // a slow machine
			found, err = j.read(ns, subjects)
		}
		if err != nil {
			j.failed(err)
		}
		stops = append(stops, found...)
	}
	return stops
}

func (j *journey) read(ns wire.Namespace, subjects string) (stops []stop, err error) {
	ctx, cancel := context.WithTimeout(j.ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(ctx, j.js, store.AlarmsName(ns), 1_000_000,
		jetstreamext.GetBatchSeq(1), jetstreamext.GetBatchSubject(ns.Name()+"."+subjects))
	if err != nil {
		return nil, err
	}
	for msg, err := range messages {
		if err != nil {
			return stops, err
		}
		s := stop{place{ns: ns}, time.UnixMilli(wire.ParseAlarmBody(msg.Data))}
		if id, ok := ns.ParseAlarm(msg.Subject); ok {
			s.actor, s.alarm = id, msg.Sequence
		} else if id, ok := ns.ParseDue(msg.Subject); ok {
			s.actor, s.rang = id, true
		} else {
			continue
		}
		stops = append(stops, s)
	}
	return stops, ctx.Err() // a timeout ends the messages just as their end does
}

func (j *journey) failed(err error) {
	if !isGone(err) {
		j.b.tb.Fatalf("hosttest: reading what is due: %v", err)
	}
}

// isGone reports whether there is no such stream or message: an alarm that is due may ring by itself.
func isGone(err error) bool {
	gone := []error{
		jetstream.ErrStreamNotFound, jetstream.ErrMsgNotFound, jetstream.ErrMsgDeleteUnsuccessful,
		jetstreamext.ErrNoMessages, nats.ErrNoResponders,
	}
	return slices.ContainsFunc(gone, func(one error) bool { return errors.Is(err, one) })
}

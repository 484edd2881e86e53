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
	"github.com/troupe-go/troupe/internal/wire"
)

// travelTimeout bounds how long, in real time, one step may take.
const travelTimeout = 30 * time.Second

// journey looks for what is due next.
type journey struct {
	b      *Bus
	js     jetstream.JetStream
	ctx    context.Context //nolint:containedctx // that of the journey
	cancel context.CancelFunc
	known  map[place]time.Time // when something is really due; zero: nothing is
}

// place is where a journey may stop.
type place struct {
	ns    wire.Namespace
	actor troupe.ID
	alarm uint64 // the sequence of an alarm that has not rung
	rang  bool   // it has, and is not seen to
	awake bool   // the actor is awake, and has it in memory
}

// stop is a place with the time to be there.
type stop struct {
	place

	at time.Time
}

func (p place) stream() string { return store.AlarmsName(p.ns) }

func (b *Bus) newJourney() *journey {
	b.tb.Helper()
	js, err := jetstream.New(b.traveller())
	if err != nil {
		b.tb.Fatal(err)
	}
	j := &journey{b: b, js: js, known: make(map[place]time.Time)}
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

// next returns what is due next.
func (j *journey) next() (next stop, ok bool) {
	stops := j.stored()
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
	if len(stops) == 0 {
		return stop{}, false
	}
	return slices.MinFunc(stops, func(a, b stop) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(b.alarm, a.alarm), cmp.Compare(a.actor.Tokens(), b.actor.Tokens()))
	}), true
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
	hosts := j.b.clock.Hosts()
	for _, s := range j.stored() {
		if !s.rang || s.at.After(j.b.Now()) {
			continue
		}
		for _, host := range hosts {
			if host.RunsType(s.ns, s.actor.Type()) {
				return &s
			}
		}
	}
	return nil
}

// stored returns the alarms of all actors, and what has rung.
func (j *journey) stored() (stops []stop) {
	for _, ns := range j.b.namespaces {
		messages, err := jetstreamext.GetBatch(j.ctx, j.js, store.AlarmsName(ns), 1_000_000, jetstreamext.GetBatchSeq(1))
		if err != nil {
			j.failed(err)
			continue
		}
		for msg, err := range messages {
			if err != nil {
				j.failed(err)
				break
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
	}
	return stops
}

func (j *journey) failed(err error) {
	if !isGone(err) {
		j.b.tb.Fatalf("hosttest: reading what is due: %v", err)
	}
}

// isGone reports whether there is no such stream or message.
func isGone(err error) bool {
	return errors.Is(err, jetstreamext.ErrNoMessages) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrMsgNotFound)
}

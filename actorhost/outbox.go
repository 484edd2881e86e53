package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// event is an event that a turn has broadcast, or sends to one connection.
type event struct {
	name    string
	data    []byte
	durable bool
	to      *Connection // alone, if it is given
	except  string      // the id of a connection that does not get it
	place   wire.Place  // once the turn has succeeded
}

// counts reports whether the event is one of those that the record counts.
func (e event) counts() bool { return e.to == nil }

// size is what a durable event takes in the record until it is in the log.
func (e event) size() int64 {
	const around = 64 // its position and the names of its fields
	return int64(len(e.name) + len(e.data) + around)
}

// outbox numbers an actor's events and gets the durable ones into the log. Until one is there it is in the record, so
// that it gets there whatever dies: the next activation goes on. It is guarded by the mutex of its gate.
type outbox struct {
	last     map[string]troupe.Position // event of each name
	waiting  []store.Emitted            // durable, stored or about to be, and not known to be in the log
	size     int64                      // of those, in the record
	behind   []output                   // stored; to be sent once the durable events of the first are in the log
	relaying bool                       // somebody is at it

	ends map[string]end // of the log, by name; only for who is relaying
}

// end is the last event of a name and actor in the log.
type end struct {
	position troupe.Position
	sequence uint64
}

// keepTimeout bounds how long it is tried to get an event into the log before the activation is given up.
const keepTimeout = 30 * time.Second

// Emit implements troupe.Broadcaster: see [troupe.Event.Broadcast].
func (c *Context) Emit(e troupe.Emission) error {
	h := c.a.host
	if e.ActorType != c.Type() {
		return fmt.Errorf("%s cannot broadcast %s, an event of %s", c.a.id, e.Event, e.ActorType)
	}
	if err := troupe.CheckName("event", e.Event); err != nil {
		return err
	}
	data, err := codec.MsgPack.Append(nil, e.Payload)
	if err != nil {
		return fmt.Errorf("encoding the event %s of %s: %w", e.Event, c.a.id, err)
	}
	if size, limit := int64(len(data)+eventRoom), h.nc.MaxPayload(); size > limit {
		return errs.New(troupe.CodeTooLarge, "the event %s of %s has %d bytes, the server takes at most %d",
			e.Event, c.a.id, len(data), limit-eventRoom)
	}
	if e.Durable {
		if err := c.a.markUnsent(c); err != nil {
			return errs.Unavailable("broadcasting %s of %s: %v", e.Event, c.a.id, err)
		}
	}
	one := event{name: e.Event, data: data, durable: e.Durable, except: e.Except}
	if e.To != "" {
		if one.to = c.a.connections.find(e.To); one.to == nil {
			return fmt.Errorf("sending %s of %s: %w", e.Event, c.a.id, errNoConnection)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return fmt.Errorf("broadcasting %s of %s: %w", e.Event, c.a.id, errTurnOver)
	}
	does := c.does()
	does.events = append(does.events, one)
	return nil
}

// eventRoom is what the headers of an event may take of a message, with those that the server adds to a durable one.
const eventRoom = 512

// take numbers events.
func (b *outbox) take(events []event, epoch uint64) []event {
	for i := range events {
		e := &events[i]
		if e.to != nil {
			e.place = e.to.next(e.name, epoch)
			continue
		}
		if b.last == nil {
			b.last = make(map[string]troupe.Position, 1)
		}
		e.place = wire.After(b.last[e.name], epoch)
		b.last[e.name] = e.place.Position
		if e.durable {
			b.waiting = append(b.waiting, e.emitted())
			b.size += e.size()
		}
	}
	return events
}

func (e event) emitted() store.Emitted {
	return store.Emitted{Event: e.name, Position: e.place.Position, Previous: e.place.Previous, Payload: e.data, Except: e.except}
}

// record puts into a record what belongs there. It is encoded later: what is in it must not change.
func (b *outbox) record(r *store.Record) {
	r.Events, r.Outbox = maps.Clone(b.last), slices.Clone(b.waiting)
}

func (b *outbox) restore(r store.Record) {
	*b = outbox{last: r.Events, waiting: r.Outbox}
	for _, e := range b.waiting {
		b.size += event{name: e.Event, data: e.Payload}.size()
	}
}

// isKept forgets the first durable event that waits: it is in the log.
func (b *outbox) isKept() {
	e := b.waiting[0]
	b.size -= event{name: e.Event, data: e.Payload}.size()
	b.waiting[0] = store.Emitted{}
	b.waiting = b.waiting[1:]
}

// release sends outputs whose state is stored, in order. Those with durable events, and all behind them, wait until these
// are in the log. More says that others are about to be sent. The caller holds g.mu, which keeps them in order.
func (g *gate) release(more bool, outputs ...output) {
	for i := range outputs {
		o := &outputs[i]
		if g.outbox.relaying || slices.ContainsFunc(o.events, func(e event) bool { return e.durable }) {
			g.outbox.behind = append(g.outbox.behind, outputs[i:]...)
			if !g.outbox.relaying {
				g.outbox.relaying = true
				g.a.host.work.Go(g.relay)
			}
			return
		}
		for _, e := range o.events {
			g.a.publish(e)
		}
		g.reply(o, more || i < len(outputs)-1)
	}
}

// reply answers the call of an output: what it says is true in any case, for its turn began under the lease.
func (g *gate) reply(o *output, more bool) {
	faults.At(faults.BeforeReply)
	g.a.host.out.sendReply(&o.reply, more)
}

// publish sends an event that is not durable. When the lease is over, the next owner may have broadcast what is newer.
func (a *activation) publish(e event) {
	if faults.Fencing && !a.session.Valid() {
		return
	}
	subject := a.host.ns.Event(a.id, e.name)
	if e.to != nil {
		subject = e.to.subject(e.name)
	}
	a.host.out.send(&nats.Msg{Subject: subject, Data: e.data, Header: wire.EventHeader(e.place, e.except)})
}

// relay sends the outputs that wait for the log.
func (g *gate) relay() {
	ctx, cancel := context.WithCancel(g.a.host.ctx)
	defer cancel()
	for {
		g.mu.Lock()
		if len(g.outbox.behind) == 0 {
			g.outbox.relaying, g.outbox.behind = false, nil
			g.moved.Broadcast()
			g.mu.Unlock()
			return
		}
		o := g.outbox.behind[0]
		g.outbox.behind[0] = output{}
		g.outbox.behind = g.outbox.behind[1:]
		g.mu.Unlock()

		for _, e := range o.events {
			if !e.durable {
				g.a.publish(e)
				continue
			}
			if err := g.keep(ctx, e.emitted()); err != nil {
				g.giveUp(o, err)
				return
			}
			g.mu.Lock()
			g.outbox.isKept()
			g.mu.Unlock()
		}
		g.reply(&o, false)
	}
}

// giveUp ends the activation because an event does not get into the log. What o, and those behind it, tell of is stored:
// their callers get the answers from the next activation, which goes on with the events.
func (g *gate) giveUp(o output, err error) {
	g.a.logger("").Warn("keeping an event failed", slog.Any("error", err))
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range append([]output{o}, g.outbox.behind...) {
		g.refuse(&o, store.ErrOutcomeUnknown)
	}
	g.outbox.relaying, g.outbox.behind = false, nil
	g.close(fmt.Errorf("an event could not be kept: %w", err), store.ErrOutcomeUnknown)
}

// flush gets the events into the log that an earlier activation has left.
func (g *gate) flush(ctx context.Context) error {
	for len(g.outbox.waiting) > 0 {
		if err := g.keep(ctx, g.outbox.waiting[0]); err != nil {
			return err
		}
		g.outbox.isKept()
	}
	return nil
}

// keep gets an event into the log, unless it is there. Events follow each other by compare-and-set, so that none gets
// there twice, or before an earlier one, whoever else is at it.
func (g *gate) keep(ctx context.Context, e store.Emitted) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	log, _, err := g.a.host.log.Open(ctx)
	if err != nil {
		return err
	}
	if g.outbox.ends == nil {
		g.outbox.ends = make(map[string]end, 1)
	}
	for {
		if faults.Fencing && !g.a.session.Valid() {
			return errNoLease
		}
		last, known := g.outbox.ends[e.Event]
		if !known {
			last.position, last.sequence, err = log.Last(ctx, g.a.id, e.Event)
		}
		if err == nil && !last.position.Before(e.Position) {
			g.outbox.ends[e.Event] = last
			return nil
		}
		if err == nil {
			last.sequence, err = log.Append(ctx, g.a.id, e, last.sequence)
		}
		if err == nil {
			g.outbox.ends[e.Event] = end{e.Position, last.sequence}
			return nil
		}
		delete(g.outbox.ends, e.Event) // perhaps it is there all the same
		if !errors.Is(err, store.ErrConflict) && !pause.For(ctx, keepAgain) {
			return err
		}
		err = nil
	}
}

// keepAgain is the pause before it is tried again to get an event into the log.
const keepAgain = 20 * time.Millisecond

package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// event is an event that a turn has broadcast, or sends to one connection.
type event struct {
	record.Broadcast
	to *Connection // alone, if it is given: then the record knows nothing of it
}

func isDurable(e *event) bool { return e.Durable }

// outbox gets an actor's durable events into the log. Until one is there it is in the record, so that it gets there
// whatever dies: the next activation goes on. It is guarded by the mutex of its gate.
type outbox struct {
	behind   []output // stored; to be sent once the durable events of the first are in the log
	relaying bool     // somebody is at it

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
	if e.Except != "" {
		if err := troupe.CheckName("connection", e.Except); err != nil {
			return err
		}
	}
	if e.Durable {
		if err := c.a.markUnsent(c); err != nil {
			return errs.Unavailable("broadcasting %s of %s: %v", e.Event, c.a.id, err)
		}
	}
	one := &event{Broadcast: record.Broadcast{
		Event: e.Event, Epoch: c.a.epoch, Payload: data, Except: e.Except, Durable: e.Durable,
	}}
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
	if one.to == nil {
		one.Again = does.broadcasts(one.Event)
		does.changes = append(does.changes, &one.Broadcast)
	}
	does.events = append(does.events, one)
	return nil
}

// broadcasts reports whether a turn has broadcast an event of this name.
func (e *effects) broadcasts(name string) bool {
	for _, one := range slices.Backward(e.events) { // as a rule the last one was the same
		if one.to == nil && one.Event == name {
			return true
		}
	}
	return false
}

// eventRoom is what the headers of an event may take of a message, with those that the server adds to a durable one.
const eventRoom = 512

// place gives events to single connections their places; what is broadcast has one. The caller holds g.mu.
func (g *gate) place(events []*event) []*event {
	for _, e := range events {
		if e.to != nil {
			e.Place = e.to.next(e.Event, g.a.epoch)
		}
	}
	return events
}

// release sends outputs whose state is stored, in order. Those with durable events, and all behind them, wait until these
// are in the log. More says that others are about to be sent. The caller holds g.mu, which keeps them in order.
func (g *gate) release(more bool, outputs ...output) {
	for i := range outputs {
		o := &outputs[i]
		if g.outbox.relaying || slices.ContainsFunc(o.events, isDurable) {
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
func (a *activation) publish(e *event) {
	if faults.Fencing && !a.session.Valid() {
		return
	}
	subject := a.host.ns.Event(a.id, e.Event)
	if e.to != nil {
		subject = e.to.subject(e.Event)
	}
	a.host.out.send(&nats.Msg{Subject: subject, Data: e.Payload, Header: wire.EventHeader(e.Place, e.Except)})
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
			if !e.Durable {
				g.a.publish(e)
				continue
			}
			if err := g.keep(ctx, e.Emitted()); err != nil {
				g.giveUp(o, err)
				return
			}
			g.mu.Lock()
			g.parts.Outbox().Kept()
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
	for {
		first, ok := g.parts.Outbox().First()
		if !ok {
			return nil
		}
		if err := g.keep(ctx, first); err != nil {
			return err
		}
		g.parts.Outbox().Kept()
	}
}

// keep gets an event into the log, unless it is there. Events follow each other by compare-and-set, so that none gets
// there twice, or before an earlier one, whoever else is at it.
func (g *gate) keep(ctx context.Context, e record.Emitted) error {
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

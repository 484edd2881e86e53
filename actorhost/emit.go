package actorhost

import (
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// eventRoom is how many bytes of a message the headers of an event may take, with those that the server adds to a
// durable one.
const eventRoom = 512

// Emit implements troupe.Broadcaster: see [troupe.Event.Broadcast].
func (c *Context) Emit(e troupe.Emission) error {
	if e.ActorType != c.Type() {
		return fmt.Errorf("%s cannot broadcast %s, an event of %s", c.a.id, e.Event, e.ActorType)
	}
	if err := troupe.CheckName("event", e.Event); err != nil {
		return err
	}
	if err := c.refusedTo("broadcast", e.Event); err != nil {
		return err
	}
	return c.emitWithin(&e, func(carried wire.Header) error { return c.emit(&e, carried) })
}

func (c *Context) emit(e *troupe.Emission, carried wire.Header) error {
	h := c.a.host
	data, err := codec.MsgPack.Append(nil, codec.Filled(e.Payload))
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
	event := &commit.Event{Broadcast: record.Broadcast{
		Event: e.Event, Epoch: c.a.epoch, Payload: data, Except: e.Except, Durable: e.Durable,
	}, Carried: carried}
	if e.Durable {
		event.Trace = wire.TraceParent(carried)
	}
	var to *Connection
	if e.To != "" {
		if to = c.a.connections.find(e.To); to == nil {
			return fmt.Errorf("sending %s of %s: %w", e.Event, c.a.id, errNoConnection)
		}
		event.Subject = to.subject(e.Event)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return fmt.Errorf("broadcasting %s of %s: %w", e.Event, c.a.id, errTurnOver)
	}
	c.effectsToFill().addEvent(event, to)
	return nil
}

package record

import (
	"fmt"
	"iter"
	"maps"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

var eventsPart = kind{name: "events", make: func() Part { return new(Events) }}

// Events holds the position of the last event of each name that an actor has broadcast.
type Events struct {
	last map[string]troupe.Position
	size int64
}

// Events returns the positions of the actor's last events, or nil.
func (p *Parts) Events() *Events { return get[*Events](p, &eventsPart) }

// Last returns the position of the last event of a name, or zero.
func (e *Events) Last(name string) troupe.Position {
	if e == nil {
		return troupe.Position{}
	}
	return e.last[name]
}

// All yields the name and the position of the last event of each name.
func (e *Events) All() iter.Seq2[string, troupe.Position] {
	if e == nil {
		return func(func(string, troupe.Position) bool) {}
	}
	return maps.All(e.last)
}

// next returns the place of the next event of a name.
func (e *Events) next(name string, epoch uint64) wire.Place {
	last, known := e.last[name]
	if !known {
		if e.last == nil {
			e.last = make(map[string]troupe.Position, 1)
		}
		e.size += eventSize(name)
	}
	place := wire.After(last, epoch)
	e.last[name] = place.Position
	return place
}

// eventSize is the largest size of a name and its position, in bytes.
func eventSize(name string) int64 { return textSize(name) + positionSize }

// Size implements [Part].
func (e *Events) Size() int64 {
	if len(e.last) == 0 {
		return 0
	}
	return maxHead + e.size
}

// Append implements [Part].
func (e *Events) Append(b []byte) []byte {
	b = codec.AppendMap(b, len(e.last))
	for name, last := range e.last {
		b = appendPosition(codec.AppendString(b, name), wire.Position(last))
	}
	return b
}

// Decode implements [Part].
func (e *Events) Decode(value []byte) error {
	var decoded map[string]wire.Position
	if err := codec.MsgPack.Unmarshal(value, &decoded); err != nil {
		return err
	}
	e.last = make(map[string]troupe.Position, len(decoded))
	for name, last := range decoded {
		e.last[name] = troupe.Position(last)
		if err := checkName("event", name); err != nil {
			return err
		}
		if err := checkPosition(last); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		e.size += eventSize(name)
	}
	return nil
}

// Broadcast is the change of a turn that broadcasts an event.
type Broadcast struct {
	Event   string
	Epoch   uint64 // of the activation
	Payload []byte // msgpack
	Except  string // the connection that must ignore it
	Trace   string // of a durable event: see [Emitted]
	Durable bool
	Again   bool       // the turn has broadcast an event of this name before
	Place   wire.Place // set by Apply
}

// Size implements [Change].
func (c *Broadcast) Size(p *Parts) int64 {
	size := int64(0)
	if !c.Again && p.Events().Last(c.Event).IsZero() {
		size += eventSize(c.Event)
	}
	if c.Durable {
		size += c.Emitted().size()
	}
	return size
}

// Shared implements [Change]: _position is answered from the record.
func (*Broadcast) Shared() bool { return true }

// Apply implements [Change]. It sets the place of the event.
func (c *Broadcast) Apply(p *Parts) {
	c.Place = own[*Events](p, &eventsPart).next(c.Event, c.Epoch)
	if c.Durable {
		own[*Outbox](p, &outboxPart).add(c.Emitted())
	}
}

// Emitted returns the event as it is kept in the outbox.
func (c *Broadcast) Emitted() Emitted {
	at := wire.Position(c.Place.Position)
	return Emitted{Event: c.Event, Position: at, Previous: c.Place.Previous, Payload: c.Payload, Except: c.Except, Trace: c.Trace}
}

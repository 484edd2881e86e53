package record

import (
	"fmt"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

var outboxPart = kind{name: "outbox", make: func() Part { return new(Outbox) }}

// Outbox holds the durable events of an actor that may not be in the log yet, in the order of their broadcast.
type Outbox struct {
	waiting []Emitted
	size    int64
}

// Emitted is a durable event that an actor has broadcast.
type Emitted struct {
	Event    string        `json:"event"`
	Position wire.Position `json:"position"`
	Previous uint64        `json:"previous,omitempty"` // see [wire.Place]
	Payload  []byte        `json:"payload,omitempty"`  // msgpack
	Except   string        `json:"except,omitempty"`   // the connection that must ignore it
	Trace    string        `json:"trace,omitempty"`    // the header traceparent that goes with it
}

// Place returns the place of the event.
func (e Emitted) Place() wire.Place {
	return wire.Place{Position: troupe.Position(e.Position), Previous: e.Previous}
}

// Outbox returns the durable events that may not be in the log yet, or nil.
func (p *Parts) Outbox() *Outbox { return get[*Outbox](p, &outboxPart) }

// First returns the event that must be appended to the log next.
func (o *Outbox) First() (first Emitted, ok bool) {
	if o == nil || len(o.waiting) == 0 {
		return Emitted{}, false
	}
	return o.waiting[0], true
}

// Has reports whether there is an event of a name.
func (o *Outbox) Has(event string) bool {
	return o != nil && slices.ContainsFunc(o.waiting, func(e Emitted) bool { return e.Event == event })
}

// Kept removes the first event, because it is in the log.
func (o *Outbox) Kept() {
	o.size -= o.waiting[0].size()
	o.waiting[0] = Emitted{}
	o.waiting = o.waiting[1:]
}

func (o *Outbox) add(e Emitted) {
	o.waiting = append(o.waiting, e)
	o.size += e.size()
}

// size is the largest size of the event, in bytes.
func (e Emitted) size() int64 {
	// The map, six names, and the values that are neither text nor bytes.
	const around = 1 + 6 + (9 + positionSize) + (9 + 9) + (8 + 5) + 7 + 6
	return around + textSize(e.Event) + int64(len(e.Payload)) + textSize(e.Except) + textSize(e.Trace)
}

// Size implements [Part].
func (o *Outbox) Size() int64 {
	if len(o.waiting) == 0 {
		return 0
	}
	return maxHead + o.size
}

// Append implements [Part].
func (o *Outbox) Append(b []byte) []byte {
	b = codec.AppendArray(b, len(o.waiting))
	for _, e := range o.waiting {
		b = e.append(b)
	}
	return b
}

func (e Emitted) append(b []byte) []byte {
	at, fields := len(b), 2
	b = codec.AppendMap(b, 0)
	b = codec.AppendString(codec.AppendString(b, "event"), e.Event)
	b = appendPosition(codec.AppendString(b, "position"), e.Position)
	if e.Previous != 0 {
		fields++
		b = codec.AppendUint(codec.AppendString(b, "previous"), e.Previous)
	}
	if len(e.Payload) > 0 {
		fields++
		b = codec.AppendBytes(codec.AppendString(b, "payload"), e.Payload)
	}
	if e.Except != "" {
		fields++
		b = codec.AppendString(codec.AppendString(b, "except"), e.Except)
	}
	if e.Trace != "" {
		fields++
		b = codec.AppendString(codec.AppendString(b, "trace"), e.Trace)
	}
	codec.AppendMap(b[:at], fields)
	return b
}

// Decode implements [Part].
func (o *Outbox) Decode(value []byte) error {
	if err := codec.MsgPack.Unmarshal(value, &o.waiting); err != nil {
		return err
	}
	for i, e := range o.waiting {
		if err := e.check(); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		o.size += e.size()
	}
	return nil
}

func (e Emitted) check() error {
	if err := checkName("event", e.Event); err != nil { // it becomes a part of a subject
		return err
	}
	if e.Except != "" {
		if err := checkName("connection", e.Except); err != nil {
			return err
		}
	}
	if e.Trace != "" && !wire.IsTraceParent(e.Trace) { // it becomes a header
		return fmt.Errorf("the trace is %.100q", e.Trace)
	}
	if e.Previous > maxNumber {
		return fmt.Errorf("the epoch before it is %d", e.Previous)
	}
	return checkPosition(e.Position)
}

package record

import (
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

var pushesPart = kind{name: "pushes", make: func() Part { return new(Pushes) }, feature: "pushes"}

// Pushes holds the messages for queues of actors that may not be in their stream yet, in the order in which they were pushed.
type Pushes struct {
	waiting []PushedMessage
	size    int64
}

// PushedMessage is a message that an actor has pushed.
type PushedMessage struct {
	Actor    string `json:"a"` // the tokens of the ID of the actor that it is for
	Queue    string `json:"q"`
	Name     string `json:"n"`           // no other message has it
	Existing bool   `json:"e,omitempty"` // it must not create the actor
	InOrder  bool   `json:"o,omitempty"` // the queue is
	At       int64  `json:"t,omitempty"` // not before, in milliseconds since 1970
	Body     []byte `json:"b"`           // msgpack
	Trace    string `json:"p,omitempty"` // the header traceparent that goes with it
}

// Pushes returns the messages that may not be in their stream yet, or nil.
func (p *Parts) Pushes() *Pushes { return get[*Pushes](p, &pushesPart) }

// First returns the message that is to be stored next.
func (o *Pushes) First() (first PushedMessage, ok bool) {
	if o == nil || len(o.waiting) == 0 {
		return PushedMessage{}, false
	}
	return o.waiting[0], true
}

// Sent removes the first message, because it is in its stream.
func (o *Pushes) Sent() {
	o.size -= o.waiting[0].size()
	o.waiting[0] = PushedMessage{}
	o.waiting = o.waiting[1:]
}

// size is the largest size of the message, in bytes.
func (m *PushedMessage) size() int64 {
	return 1 + 7*2 + textSize(m.Actor) + textSize(m.Queue) + textSize(m.Name) + textSize(m.Trace) + 1 + 9 + 5 + 3 + int64(len(m.Body))
}

// Size implements [Part].
func (o *Pushes) Size() int64 {
	if len(o.waiting) == 0 {
		return 0
	}
	return maxHead + o.size
}

// Append implements [Part].
func (o *Pushes) Append(b []byte) []byte {
	b = codec.AppendArray(b, len(o.waiting))
	for i := range o.waiting {
		b = o.waiting[i].append(b)
	}
	return b
}

func (m *PushedMessage) append(b []byte) []byte {
	at, fields := len(b), 4
	b = codec.AppendMap(b, 0)
	b = codec.AppendString(codec.AppendString(b, "a"), m.Actor)
	b = codec.AppendString(codec.AppendString(b, "q"), m.Queue)
	b = codec.AppendString(codec.AppendString(b, "n"), m.Name)
	if m.Existing {
		fields++
		b = codec.AppendTrue(codec.AppendString(b, "e"))
	}
	if m.InOrder {
		fields++
		b = codec.AppendTrue(codec.AppendString(b, "o"))
	}
	if m.At > 0 {
		fields++
		b = codec.AppendUint(codec.AppendString(b, "t"), uint64(m.At))
	}
	b = codec.AppendBytes(codec.AppendString(b, "b"), m.Body)
	if m.Trace != "" {
		fields++
		b = codec.AppendString(codec.AppendString(b, "p"), m.Trace)
	}
	codec.AppendMap(b[:at], fields)
	return b
}

// Decode implements [Part].
func (o *Pushes) Decode(value []byte) error {
	if err := codec.MsgPack.Unmarshal(value, &o.waiting); err != nil {
		return err
	}
	for i := range o.waiting {
		m := &o.waiting[i]
		if err := m.check(); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		o.size += m.size()
	}
	return nil
}

func (m *PushedMessage) check() error {
	if _, err := troupe.ParseID(m.Actor); err != nil {
		return err
	}
	if m.Name == "" || len(m.Name) > maxPushName || !plainText(m.Name) || m.At < 0 || m.At > maxTime {
		return fmt.Errorf("it has the name %.40q and the time %d", m.Name, m.At)
	}
	if m.Trace != "" && !wire.IsTraceParent(m.Trace) { // it becomes a header
		return fmt.Errorf("the trace is %.100q", m.Trace)
	}
	return checkName("queue", m.Queue)
}

// maxPushName is how long the name of a message may be.
const maxPushName = 2 << 10

// plainText reports whether text can be in a header.
func plainText(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' {
			return false
		}
	}
	return true
}

// PushMessage is the change of a turn that pushes a message.
type PushMessage struct{ PushedMessage }

// Size implements [Change].
func (c *PushMessage) Size(*Parts) int64 { return c.size() }

// Shared implements [Change]: who wakes the actor to send it looks at the record.
func (*PushMessage) Shared() bool { return false }

// Apply implements [Change].
func (c *PushMessage) Apply(p *Parts) {
	o := own[*Pushes](p, &pushesPart)
	o.waiting = append(o.waiting, c.PushedMessage)
	o.size += c.size()
}

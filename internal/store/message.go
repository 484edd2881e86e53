package store

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Message is a message of a queue of an actor. What its headers say of it is checked by who reads that: where they say nothing
// that makes sense, it is as if they said nothing.
type Message struct {
	Actor     troupe.ID
	Queue, ID string
	Stored    time.Time // in its stream
	Header    nats.Header
	Data      []byte
}

// QueueMessage is the message of a queue that was delivered.
func (e Fed) QueueMessage() *Message {
	m := &Message{Actor: e.Actor, Queue: e.Event, ID: e.Message, Stored: e.Time, Header: e.Header, Data: e.Data}
	if m.ID == "" {
		m.ID = wire.MessageID(e.Header, e.Time, e.Sequence)
	}
	return m
}

// Codec is the encoding of the message.
func (m *Message) Codec() (codec.Codec, error) {
	header := wire.Header{}
	if as := wire.FirstHeader(m.Header, wire.HeaderContentType); as != "" {
		header = header.With(wire.HeaderContentType, as)
	}
	return wire.RequestCodec("", header, m.Data)
}

// Decode decodes the message.
func (m *Message) Decode(into any) error {
	as, err := m.Codec()
	if err != nil {
		return err
	}
	return as.Unmarshal(m.Data, into)
}

// Existing reports whether the message must not create the actor.
func (m *Message) Existing() bool { return wire.FirstHeader(m.Header, wire.HeaderExisting) == "1" }

// InOrder reports whether the message is of a queue that is in order, as far as a host has moved it.
func (m *Message) InOrder() bool { return wire.FirstHeader(m.Header, wire.HeaderInOrder) != "" }

// NotBefore is when the message may be handled, or zero.
func (m *Message) NotBefore() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, wire.FirstHeader(m.Header, wire.HeaderNotBefore))
	return at
}

// Attempts is how many attempts have failed, Waits how often the message had to wait for another reason.
func (m *Message) Attempts() int { return m.number(wire.HeaderAttempts) }

// Waits is how often the message had to wait for another reason than a failure.
func (m *Message) Waits() int { return m.number(wire.HeaderWaits) }

func (m *Message) number(header string) int {
	n, _ := strconv.ParseUint(wire.FirstHeader(m.Header, header), 10, 31)
	return int(n)
}

// Failure is why the message failed last.
func (m *Message) Failure() string { return wire.FirstHeader(m.Header, wire.HeaderFailure) }

// Pushed is when the message was pushed.
func (m *Message) Pushed() time.Time {
	if at, err := time.Parse(time.RFC3339Nano, wire.FirstHeader(m.Header, wire.HeaderPushed)); err == nil {
		return at
	}
	return m.Stored
}

// Life is how often the message was a dead letter.
func (m *Message) Life() int { return m.number(wire.HeaderLife) }

// Dead is a copy of a message of a queue in order that is to be a dead letter.
func (m *Message) Dead(attempts int, why string) *Message {
	dead := m.With(attempts, 0, why)
	dead.Header[wire.HeaderInOrder] = []string{"1"}
	return dead
}

// Again is a copy of a dead letter that is to be handled again.
func (m *Message) Again() *Message {
	again := m.With(0, 0, "")
	again.Header[wire.HeaderLife] = []string{strconv.Itoa(m.Life() + 1)}
	return again
}

// With is a copy of the message with headers that say what has become of it.
func (m *Message) With(attempts, waits int, failure string) *Message {
	moved := *m
	moved.Header = movable(m.Header)
	moved.Header[wire.HeaderPushed] = []string{m.Pushed().UTC().Format(rfc3339Milli)}
	for name, n := range map[string]int{wire.HeaderAttempts: attempts, wire.HeaderWaits: waits} {
		delete(moved.Header, name)
		if n > 0 {
			moved.Header[name] = []string{strconv.Itoa(n)}
		}
	}
	if failure != "" {
		moved.Header[wire.HeaderFailure] = []string{failure}
	}
	return &moved
}

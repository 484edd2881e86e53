package wire

import (
	"github.com/nats-io/nats.go"
)

// Message is a message as hosts and callers handle it. Its headers are a list, because a call has one or two: the maps of
// [nats.Msg] would be a tenth of what such a call costs.
type Message struct {
	Subject, Reply string
	Header         Header
	Data           []byte
}

// Header has the headers of a message, in no order that tells anything.
type Header []HeaderField

// HeaderField is a header.
type HeaderField struct{ Name, Value string }

// MessageOf returns what NATS has delivered.
func MessageOf(msg *nats.Msg) Message {
	m := Message{Subject: msg.Subject, Reply: msg.Reply, Data: msg.Data}
	if len(msg.Header) == 0 {
		return m
	}
	m.Header = make(Header, 0, len(msg.Header))
	for name, values := range msg.Header {
		for _, value := range values {
			m.Header = append(m.Header, HeaderField{name, value})
		}
	}
	return m
}

// NATS returns what NATS takes, in memory that may be nil and is used again.
func (m *Message) NATS(memory *NATSMessage) *nats.Msg {
	if memory == nil {
		memory = new(NATSMessage)
	}
	clear(memory.header)
	memory.msg, memory.values = nats.Msg{Subject: m.Subject, Reply: m.Reply, Data: m.Data}, memory.values[:0]
	if len(m.Header) == 0 {
		return &memory.msg
	}
	if memory.header == nil {
		memory.header = make(nats.Header, len(m.Header))
	}
	memory.msg.Header = memory.header
	for _, f := range m.Header {
		if had := memory.header[f.Name]; had != nil {
			memory.header[f.Name] = append(had, f.Value)
			continue
		}
		memory.values = append(memory.values, f.Value)
		n := len(memory.values)
		memory.header[f.Name] = memory.values[n-1 : n : n]
	}
	return &memory.msg
}

// NATSMessage is memory for a message that NATS takes. A publish keeps nothing of it.
type NATSMessage struct {
	msg    nats.Msg
	header nats.Header
	values []string
}

// Size is how many bytes the message has, as NATS counts them.
func (m *Message) Size() int {
	const version, each = len("NATS/1.0\r\n\r\n"), len(": \r\n")
	size := len(m.Subject) + len(m.Reply) + len(m.Data)
	for i, f := range m.Header {
		if i == 0 {
			size += version
		}
		size += len(f.Name) + len(f.Value) + each
	}
	return size
}

// Get returns the first value of a header, or "". Unlike that of [nats.Header] it takes the name exactly as given.
func (h Header) Get(name string) string {
	for i := range h {
		if h[i].Name == name {
			return h[i].Value
		}
	}
	return ""
}

// With returns the headers with the value of one. Like append it may change h.
func (h Header) With(name, value string) Header {
	for i := range h {
		if h[i].Name == name {
			h[i].Value = value
			return h
		}
	}
	return append(h, HeaderField{name, value})
}

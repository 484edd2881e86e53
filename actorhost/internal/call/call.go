// Package call is a call as a host has received it.
package call

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/wire"
)

// Call is a call of an actor, or what else is asked of a host and answered as one.
type Call struct {
	Message
	Action   string
	As       codec.Codec // of the input, and so of the output; nil before it is known
	ID       dedup.ID
	Deadline time.Duration // by the clock of the host
	Existing bool          // the actor must be there already
	Again    bool          // it is not sent for the first time
	Ran      bool          // and is counted
	Counters *Counters     // of the action; nil before that is known
}

// Message is what a host keeps of the message of a call, of whose memory it may be a part.
type Message struct {
	Reply  string
	Header nats.Header
	Data   []byte
	Size   int // of the whole message
}

// Of is a call that has arrived as a message. Nothing in it has been looked at.
func Of(msg *nats.Msg) Call {
	return Call{Message: Message{msg.Reply, msg.Header, msg.Data, msg.Size()}}
}

// Get is the first value of a header. Unlike Header.Get it wants the name exactly as it is.
func (m *Message) Get(name string) string { return wire.FirstHeader(m.Header, name) }

// Encoding is what the call says of its input, and thus of its reply.
func (m *Message) Encoding() (codec.Codec, error) {
	return codec.ForContentType(m.Get(wire.HeaderContentType))
}

// Identity is what tells the call from others.
func (c *Call) Identity() dedup.Call {
	return dedup.Call{ID: c.ID, Action: c.Action, Input: c.Data, Again: c.Again}
}

// CountRefused counts a call that is answered with an error without having run, or whose state was not stored after it had.
func (c *Call) CountRefused(err *troupe.Error) {
	if c.Counters == nil {
		return
	}
	if !c.Ran {
		c.Counters.Calls.Add(1)
	}
	c.Counters.fail(err)
}

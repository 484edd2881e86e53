// Package call describes a call as a host receives it.
package call

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/wire"
)

// Call is a call of an actor, or another request to a host that is answered like one.
type Call struct {
	Message
	Actor    string // as tokens of a subject; empty for what is no call of an actor
	Action   string
	As       codec.Codec // of input and output; nil until it is known
	ID       dedup.ID
	Mark     *dedup.Mark       // of a call with a request id, once it is known
	Arrived  time.Duration     // on the host's clock; 0 for what has not come as a message
	Deadline time.Duration     // on the host's clock
	Existing bool              // the actor must exist already
	Again    bool              // sent before
	Direct   bool              // sent to the actor's own subject
	Arrives  bool              // its reply subject, as its caller made it: the reply says so
	Ran      bool              // its action has run, and is counted
	Counters *figures.Counters // of the action; nil until that is known
}

// Message is what a host keeps of a call's message. A batch's messages share memory.
type Message struct {
	Reply  string
	Header wire.Header
	Data   []byte
	Size   int // of the whole message
}

// Of returns the call in a message, without decoding anything.
func Of(msg *wire.Message) Call {
	return Call{Message: Message{msg.Reply, msg.Header, msg.Data, msg.Size()}}
}

// Get returns the first value of a header.
func (m *Message) Get(name string) string { return m.Header.Get(name) }

// Encoding returns the codec of the call's input, and so of its reply: see [wire.RequestCodec].
func (m *Message) Encoding() (codec.Codec, error) {
	return wire.RequestCodec(m.Reply, m.Header, m.Data)
}

// Identity returns what distinguishes the call from others.
func (c *Call) Identity() dedup.Call {
	return dedup.Call{ID: c.ID, Action: c.Action, Input: c.Data, Mark: c.Mark, Again: c.Again}
}

// CountRefused counts a call that is answered with an error because it was not run, or because its changes were not
// stored.
func (c *Call) CountRefused(err *troupe.Error) {
	if c.Counters == nil {
		return
	}
	if !c.Ran {
		c.Counters.Calls.Add(1)
	}
	c.Counters.Fail(&figures.Turn{Actor: c.Actor, ID: c.ID, Err: err})
}

// CountAnswered counts a call that has run, when its answer leaves.
func (c *Call) CountAnswered(now time.Duration) {
	if c.Ran && c.Arrived != 0 {
		c.Counters.Answered(now - c.Arrived)
	}
}

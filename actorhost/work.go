package actorhost

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
)

// work is one thing in a mailbox.
type work struct {
	kind workKind

	// Of a call:
	existing bool // the actor must be there already
	again    bool // it is not sent for the first time
	ran      bool // and is counted
	message
	action   string
	served   *served
	as       codec.Codec
	id       dedup.ID
	deadline time.Duration // by the clock of the host

	about any // of what is not a call: a *heardEvent or a *Connection
}

// message is what a host keeps of the message of a call, of whose memory it may be a part.
type message struct {
	reply  string
	header nats.Header
	data   []byte
	size   int // of the whole message
}

func messageOf(msg *nats.Msg) message { return message{msg.Reply, msg.Header, msg.Data, msg.Size()} }

type workKind uint8

const (
	callWork  workKind = iota + 1 // a call
	eventWork                     // an event that the actor listens to
	gapWork                       // events that it has missed
	leftWork                      // a connection is gone
	sleepWork                     // fall asleep, unless there is something to do
	stopWork                      // the host stops
	dropWork                      // the host has lost its lease
)

// refused counts a call that is answered with an error without having run, or whose state was not stored after it had.
func (w *work) refused(err *troupe.Error) {
	switch {
	case w.served == nil:
		return
	case !w.ran:
		w.served.calls.Add(1)
	}
	w.served.fail(err)
}

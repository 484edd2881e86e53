package actorhost

import (
	"github.com/troupe-go/troupe/actorhost/internal/call"
)

// work is one thing in a mailbox.
type work struct {
	kind workKind
	arg  any // the *endpoint of a call, a *heardEvent, or a *Connection
	call.Call
}

type workKind uint8

const (
	callWork       workKind = iota + 1 // a call
	eventWork                          // an event that the actor listens to
	gapWork                            // events that it has missed
	disconnectWork                     // a connection is gone
	sleepWork                          // fall asleep, unless there is something to do
	stopWork                           // the host stops
	dropWork                           // the host has lost its lease
)

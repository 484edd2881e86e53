package actorhost

import (
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/internal/wire"
)

// work is one entry of a mailbox.
type work struct {
	kind      workKind
	withdrawn bool     // a call that must not start, as its caller knows
	counted   bool     // it counts as one that waits of its tenant
	searched  bool     // no other program has what it needs
	reads     bool     // a call of a read-only action
	beside    bool     // a call of one that may run beside turns
	comesBack bool     // the actor waits in the chain of the call
	lent      bool     // it has lent the role of the goroutine of the turns
	leftBy    released // the host that has left the actor to this one
	// The *endpoint of a call, the *heardEvent of an event or a gap, the *Connection of a disconnect, an *inside, []string.
	arg any
	call.Call
}

// isDue reports whether the work is to run what is due, which by itself keeps no actor awake.
func (w *work) isDue() bool { return w.kind == dueWork || w.Action == wire.DueAction }

type workKind uint8

const (
	callWork       workKind = iota + 1 // a call
	eventWork                          // an event that the actor listens to
	gapWork                            // missed events
	disconnectWork                     // a connection has ended
	dueWork                            // something scheduled is due
	insideWork                         // what runs beside the turns wants one
	lapseWork                          // the lease has run out, or is back
	sleepWork                          // fall asleep, unless other work has come
	stopWork                           // the host is stopping
	checkWork                          // read-only actions have run that are to be checked
	dropWork                           // end without hooks: the actor is not awake, or its host can no longer write for it
)

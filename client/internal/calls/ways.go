package calls

import (
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// ways are the ways on which reply subjects arrive as the client makes them, by the types of the actors. A host knows a
// call again by its reply subject. On the way to another account servers change that, so the first call on each way
// says it in a header as well, until a host answers that there is no need to.
type ways struct {
	direct, route nameSet
	mute          nameSet // the types whose hosts do not know questions
}

func (w *ways) by(direct bool) *nameSet {
	if direct {
		return &w.direct
	}
	return &w.route
}

// knownWays are the ways of a connection, until it is lost: the next server may be another.
type knownWays struct {
	nc   *nats.Conn
	lost chan nats.Status
	now  atomic.Pointer[ways]
}

func newKnownWays(nc *nats.Conn) *knownWays {
	k := &knownWays{nc: nc, lost: nc.StatusChanged(nats.RECONNECTING)}
	k.forget()
	return k
}

// get returns the ways of the connection as it is. What is learnt of a call belongs to the ways that it was sent with.
func (k *knownWays) get() *ways {
	select {
	case <-k.lost: // which is known before anything is sent to the next server
		k.forget()
	default:
	}
	return k.now.Load()
}

func (k *knownWays) forget() { k.now.Store(new(ways)) }

func (k *knownWays) close() { k.nc.RemoveStatusListener(k.lost) }

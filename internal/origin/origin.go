// Package origin records in the context of a call where the call comes from. So a client that many actors share knows
// on whose behalf it calls.
package origin

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/wire"
)

// Origin is where a call comes from. The zero Origin is a program.
type Origin struct {
	Chain string // the actors that wait for the call's reply, as in its header
	Host  *Host  // of the calling actor; nil for a program
	Turn  Turn   // of the calling actor; nil when it has none
	Relay bool   // what is heard is handled elsewhere, in a turn
}

// Turn is a turn of an actor that makes calls. If it runs again, it makes them with the same request ids.
type Turn interface {
	// Nest returns the request id of a call; empty if the turn has no identity itself. The input is in msgpack.
	Nest(callee, action string, input []byte) string
	// GetCarried returns the value of a header that goes on with the calls of the turn, or "".
	GetCarried(name string) string
}

// StoredTurn is a Turn that is stored as a whole.
type StoredTurn interface {
	// WhenStored calls send once what the turn has changed is stored. It fails if the turn tells too much, or is over.
	WhenStored(bytes int, send func()) error
}

type key struct{}

// originContext costs each call of an actor one allocation instead of two.
type originContext struct {
	context.Context //nolint:containedctx // it is one

	origin Origin
}

func (c *originContext) Value(k any) any {
	if k == (key{}) {
		return &c.origin
	}
	return c.Context.Value(k)
}

// With returns a context for calls that come from o.
func With(ctx context.Context, o Origin) context.Context { return &originContext{ctx, o} }

// IsKey reports whether a context is asked, by [Of], for its origin: it answers with a pointer to one.
func IsKey(k any) bool { return k == (key{}) }

// Of returns where a call with this context comes from.
func Of(ctx context.Context) Origin {
	if o, ok := ctx.Value(key{}).(*Origin); ok {
		return *o
	}
	return Origin{}
}

// Host is what the calls of a host need to know about it.
type Host struct {
	Namespace string // in which a chain names actors
	// Take gives a message to an actor that is awake on the host itself, and reports whether it has. It copies what it keeps of the
	// message. The replies go to from. Nil: no message is taken.
	Take    func(from Replies, msg *wire.Message) bool
	leaving atomic.Pointer[time.Time]
}

// Leave records that the host begins to stop.
func (h *Host) Leave() {
	now := time.Now()
	h.leaving.CompareAndSwap(nil, &now)
}

// LeavingFor reports whether the host began to stop at least d ago. It is false for a nil host.
func (h *Host) LeavingFor(d time.Duration) bool {
	if h == nil {
		return false
	}
	since := h.leaving.Load()
	return since != nil && time.Since(*since) >= d
}

// Replies takes the replies to the calls of a host's actors.
type Replies interface {
	// Conn is the connection, and so the user, that the calls are made with.
	Conn() *nats.Conn
	// Name is what the subjects of the replies begin with.
	Name() string
	// Deliver takes a reply. It copies what it keeps of it, and does not block.
	Deliver(reply *wire.Message)
}

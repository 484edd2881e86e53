package actorhost

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

var errNoConnection = errs.New(troupe.CodeDisconnected, "the actor has no such connection")

// Connection is a program's session with the actor: see [troupe.Connector]. Only the actor's turns may use it.
type Connection struct {
	id, inbox    string
	number       uint64        // in order of arrival
	since        time.Duration // on the host's clock
	state        any
	disconnected bool // the on-disconnect hook has begun

	lastSent map[string]troupe.Position // the last event to this connection alone, by name
}

// ID identifies the connection. It stays the same when the connection is lost and comes back. It is empty for nil, which
// is the connection of a call without one.
func (c *Connection) ID() string {
	if c == nil {
		return ""
	}
	return c.id
}

// SetState keeps a value with the connection while it lasts on this host. When the connection comes back on another
// host, the on-connect hook runs again. See [ConnectionState].
func (c *Connection) SetState(value any) { c.state = value }

// ConnectionState returns the value kept by [Connection.SetState]. It is not ok if there is none, or if its type is not
// T.
func ConnectionState[T any](c *Connection) (value T, ok bool) {
	value, ok = c.state.(T)
	return value, ok
}

func (c *Connection) subject(name string) string { return c.inbox + "." + c.id + "." + name }

// event makes one of the framework's own events to this connection alone. Such events have no position.
func (c *Connection) event(name string, payload []byte) *commit.Event {
	return &commit.Event{Broadcast: record.Broadcast{Event: name, Payload: payload}, Subject: c.subject(name)}
}

// sent returns the positions of the last events to this connection alone, by name, in their form on the wire.
func (c *Connection) sent() map[string]wire.Position {
	sent := make(map[string]wire.Position, len(c.lastSent))
	for event, last := range c.lastSent {
		sent[event] = wire.Position(last)
	}
	return sent
}

// nextPlace returns the place of the next event to this connection alone.
func (c *Connection) nextPlace(event string, epoch uint64) wire.Place {
	if c.lastSent == nil {
		c.lastSent = make(map[string]troupe.Position, 1)
	}
	p := wire.After(c.lastSent[event], epoch)
	c.lastSent[event] = p.Position
	return p
}

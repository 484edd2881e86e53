package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

var errNoConnection = errs.New(troupe.CodeDisconnected, "the actor has no such connection")

// Connection is a program's session with the actor: see [troupe.Connector]. It is for the actor's turns.
type Connection struct {
	id, inbox    string
	number       uint64 // in the order of their beginning
	state        any
	disconnected bool // the on-disconnect hook has run, or is not to

	lastSent map[string]troupe.Position // last event to it alone, by name
}

// ID names the connection. It stays the same when the connection is lost and comes back.
func (c *Connection) ID() string { return c.id }

// SetState keeps a value with the connection, for as long as it lasts on this host: when it comes back on another one the
// on-connect hook runs again. See [ConnectionState].
func (c *Connection) SetState(value any) { c.state = value }

// ConnectionState is the value that [Connection.SetState] has kept. It is not ok when there is none, or one of another
// type.
func ConnectionState[T any](c *Connection) (value T, ok bool) {
	value, ok = c.state.(T)
	return value, ok
}

func (c *Connection) subject(name string) string { return c.inbox + "." + c.id + "." + name }

// event is one of our own, to the connection alone. Such have no place.
func (c *Connection) event(name string, payload []byte) *commit.Event {
	return &commit.Event{Broadcast: record.Broadcast{Event: name, Payload: payload}, Subject: c.subject(name)}
}

// nextPlace is the place of the next event to the connection alone.
func (c *Connection) nextPlace(event string, epoch uint64) wire.Place {
	if c.lastSent == nil {
		c.lastSent = make(map[string]troupe.Position, 1)
	}
	p := wire.After(c.lastSent[event], epoch)
	c.lastSent[event] = p.Position
	return p
}

package actorhost

import (
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

var errNoConnection = errs.New(troupe.CodeDisconnected, "the actor has no such connection")

// Connection is a program's session with the actor: see [troupe.Connector]. It is for the actor's turns.
type Connection struct {
	id, inbox string
	a         *activation
	number    uint64 // in the order of their beginning
	state     any
	left      bool // the on-disconnect hook has run, or is not to

	sent map[string]troupe.Position // last event to it alone, by name; under the mutex of the gate
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

// next is the place of the next event to the connection alone.
func (c *Connection) next(event string, epoch uint64) wire.Place {
	if strings.HasPrefix(event, "_") { // one of bus's own
		return wire.Place{}
	}
	if c.sent == nil {
		c.sent = make(map[string]troupe.Position, 1)
	}
	p := wire.After(c.sent[event], epoch)
	c.sent[event] = p.Position
	return p
}

// connectHook is an on-connect hook.
type connectHook func(s any, c *Context, conn *Connection, in input) error

// OnConnect implements the beginning of connections with parameters: when f returns an error there is no connection, and
// the program gets that error. f also runs for a connection that comes back after its host has died, or has moved the
// actor. What f broadcasts and sends to the connection, it will hear.
func OnConnect[R troupe.Reference, S, P any](_ troupe.Connector[R, P], f func(*S, *Context, *Connection, P) error) Handler[R, S] {
	return Handler[R, S]{name: wire.ConnectAction, connect: func(s any, c *Context, conn *Connection, in input) error {
		var params P
		if err := in.decode(c, &params); err != nil {
			return err
		}
		return f(s.(*S), c, conn, params)
	}}
}

// Connections are those that the actor has, in the order of their beginning.
func (c *Context) Connections() []*Connection { return c.a.connections.all() }

// Connection is the one by which the running call was made, or that a hook is about. It is not ok for a call that was
// made without one.
func (c *Context) Connection() (conn *Connection, ok bool) {
	return c.turn.connection, c.turn.connection != nil
}

// cut is a connection that the actor ends.
type cut struct {
	connection *Connection
	reason     string
}

// Disconnect ends a connection once the running action has succeeded: its program is told the reason, and the
// on-disconnect hook runs in a turn of its own.
func (c *Context) Disconnect(conn *Connection, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	does := c.does()
	does.cuts = append(does.cuts, cut{conn, reason})
}

package actorhost

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// maxConnections is how many connections one actor may have.
const maxConnections = 1 << 16

// maxInbox is how many bytes the name of a client's inbox may have.
const maxInbox = 256

var errNoConnection = errorf(troupe.CodeDisconnected, "the actor has no such connection")

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
func (c *Connection) next(event string, epoch uint64) bus.Place {
	if strings.HasPrefix(event, "_") { // one of bus's own
		return bus.Place{}
	}
	if c.sent == nil {
		c.sent = make(map[string]troupe.Position, 1)
	}
	p := bus.After(c.sent[event], epoch)
	c.sent[event] = p.Position
	return p
}

// connectHook is an on-connect hook.
type connectHook func(s any, c *Context, conn *Connection, in input) error

// OnConnect implements the beginning of connections with parameters: when f returns an error there is no connection, and
// the program gets that error. f also runs for a connection that comes back after its host has died, or has moved the
// actor. What f broadcasts and sends to the connection, it will hear.
func OnConnect[R troupe.Reference, S, P any](_ troupe.Connector[R, P], f func(*S, *Context, *Connection, P) error) Handler[R, S] {
	return Handler[R, S]{name: bus.ConnectAction, connect: func(s any, c *Context, conn *Connection, in input) error {
		var params P
		if err := in.decode(c, &params); err != nil {
			return err
		}
		return f(s.(*S), c, conn, params)
	}}
}

// connections are those of one activation.
type connections struct {
	mu   sync.Mutex
	byID map[string]*Connection
	last uint64
}

func (s *connections) find(id string) *Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

func (s *connections) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

func (s *connections) add(c *Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*Connection, 1)
	}
	s.last++
	c.number = s.last
	s.byID[c.id] = c
}

// remove reports whether it was there.
func (s *connections) remove(c *Connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[c.id] != c {
		return false
	}
	delete(s.byID, c.id)
	return true
}

// all is in the order of their beginning.
func (s *connections) all() []*Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.byID), func(a, b *Connection) int { return cmp.Compare(a.number, b.number) })
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
	c.cuts = append(c.cuts, cut{conn, reason})
}

// connect does a call of bus.ConnectAction.
func (a *activation) connect(w work) {
	id, inbox := header(w.msg, bus.HeaderConnection), header(w.msg, bus.HeaderInbox)
	if err := a.host.checkConnection(id, inbox); err != nil {
		a.pass(w, nil, err)
		return
	}
	conn := a.connections.find(id)
	resumed := conn != nil
	switch {
	case resumed && conn.inbox != inbox:
		a.pass(w, nil, errorf(troupe.CodeBadInput, "the connection %s is another client's", id))
		return
	case !resumed && a.connections.len() >= maxConnections:
		a.pass(w, nil, overloaded("%s has %d connections", a.id, maxConnections))
		return
	case !resumed:
		conn = &Connection{id: id, inbox: inbox, a: a}
	}
	if !resumed {
		a.connections.add(conn)
	}
	reply, err := a.sessionReply(w, conn)
	switch {
	case err != nil:
		a.connections.remove(conn)
		a.pass(w, nil, err)
		return
	case resumed:
		a.gate.resume(conn, output{work: w, reply: reply})
		return
	}
	t := turnOf(w)
	t.connection = conn
	result, err := a.turn(t, func(c *Context) error {
		if hook := a.kind.connect; hook != nil {
			return hook(a.state.pointer(), c, conn, w.input())
		}
		return nil
	})
	if err != nil {
		a.connections.remove(conn)
		a.pass(w, nil, err)
		return
	}
	a.host.clients.add(a.host, conn)
	a.finish(result, output{work: w, reply: reply})
}

// resume sends a connection that goes on the positions of what was sent to it alone.
func (g *gate) resume(conn *Connection, o output) {
	g.mu.Lock()
	sent, err := codec.MsgPack.Append(nil, conn.sent)
	g.mu.Unlock()
	if err == nil {
		o.events = []event{{name: bus.SentName, data: sent, to: conn}}
	}
	g.pass(o, turned{events: o.events})
}

func (a *activation) sessionReply(w work, conn *Connection) (*nats.Msg, error) {
	body, err := w.as.Append(nil, bus.Session{Host: a.session.id, Epoch: a.epoch, Number: conn.number})
	return reply(w, body), err
}

// checkConnection refuses what a client may not ask hosts to publish to: their own subjects, and those of the server.
func (h *Host) checkConnection(id, inbox string) error {
	switch {
	case troupe.CheckName("connection", id) != nil:
		return errorf(troupe.CodeBadInput, "%q is no id of a connection", id)
	case inbox == "" || len(inbox) > maxInbox || strings.ContainsAny(inbox, "*> \t\r\n") ||
		strings.HasPrefix(inbox, ".") || strings.HasSuffix(inbox, ".") || strings.Contains(inbox, ".."):
		return errorf(troupe.CodeBadInput, "%q is no inbox of a client", inbox)
	case strings.HasPrefix(inbox, "$") || strings.HasPrefix(inbox, h.ns.Name()+"."):
		return errorf(troupe.CodeBadInput, "the inbox %q is not for clients", inbox)
	}
	return nil
}

// disconnect does a call of bus.DisconnectAction.
func (a *activation) disconnect(w work) {
	if conn := a.connections.find(header(w.msg, bus.HeaderConnection)); conn != nil {
		a.hangUp(conn)
	}
	a.pass(w, nil, nil)
}

// hangUp ends a connection that is gone, and runs the on-disconnect hook.
func (a *activation) hangUp(conn *Connection) {
	a.connections.remove(conn)
	a.host.clients.remove(conn)
	if hook := a.kind.hooks.disconnect; hook != nil && !conn.left {
		conn.left = true
		a.runTurn(turn{action: "disconnect", connection: conn}, func(c *Context) error { return hook(a.state.pointer(), c, conn) })
	}
}

// hangUpAll ends the connections of an activation that ends: they come back in the next one.
func (a *activation) hangUpAll() {
	for _, conn := range a.connections.all() {
		a.hangUp(conn)
		a.sayClosed(conn, bus.Closed{Again: true, Reason: "the actor falls asleep or changes hosts"})
	}
}

// cutOff takes what a turn has done to connections, and returns what is to be sent for it.
func (a *activation) cutOff(cuts []cut) (events []event) {
	for _, one := range cuts {
		if !a.connections.remove(one.connection) {
			continue
		}
		a.host.clients.remove(one.connection)
		if e, ok := a.farewell(one.connection, bus.Closed{Reason: one.reason}); ok {
			events = append(events, e)
		}
		a.mu.Lock()
		a.mailbox.push(work{kind: leftWork, connection: one.connection})
		a.mu.Unlock()
	}
	return events
}

// sayClosed tells a program that its connection has ended.
func (a *activation) sayClosed(conn *Connection, why bus.Closed) {
	if e, ok := a.farewell(conn, why); ok {
		a.gate.pass(output{}, turned{events: []event{e}})
	}
}

func (a *activation) farewell(conn *Connection, why bus.Closed) (event, bool) {
	data, err := codec.MsgPack.Append(nil, why)
	if err != nil {
		a.logger("").Error("encoding why a connection has ended failed", slog.Any("error", err))
	}
	return event{name: bus.ClosedName, data: data, to: conn}, err == nil
}

// abandon tells the connections of an activation that has ended, without hooks.
func (a *activation) abandon() {
	why := bus.Closed{Again: !a.destroyed, Reason: "the actor changes hosts"}
	if a.destroyed {
		why.Reason = "the actor was destroyed"
	}
	for _, conn := range a.connections.all() {
		a.connections.remove(conn)
		a.host.clients.remove(conn)
		if e, ok := a.farewell(conn, why); ok {
			a.publish(e)
		}
	}
}

// connectionOf is the connection by which a call was made. One that is not known is about to come back, or is gone.
func (a *activation) connectionOf(w work) (*Connection, error) {
	id := header(w.msg, bus.HeaderConnection)
	if id == "" {
		return nil, nil
	}
	if conn := a.connections.find(id); conn != nil {
		return conn, nil
	}
	return nil, unavailable("%s does not know the connection %s", a.id, id)
}

// runTurn runs f as a turn that nobody waits for.
func (a *activation) runTurn(t turn, f func(*Context) error) {
	result, err := a.turn(t, f)
	if err != nil {
		a.logger("").Error("a hook failed", slog.String("action", t.action), slog.Any("error", err))
		return
	}
	a.finish(result, output{})
}

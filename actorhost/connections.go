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
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxConnections is how many connections one actor may have.
const maxConnections = 1 << 16

// maxInbox is how many bytes the name of a client's inbox may have.
const maxInbox = 256

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

// connect does a call of wire.ConnectAction.
func (a *activation) connect(w *work) {
	id, inbox := header(w.header, wire.HeaderConnection), header(w.header, wire.HeaderInbox)
	if err := checkConnection(a.host.ns, id, inbox); err != nil {
		a.pass(w, nil, err)
		return
	}
	conn := a.connections.find(id)
	resumed := conn != nil
	switch {
	case resumed && conn.inbox != inbox:
		a.pass(w, nil, errs.New(troupe.CodeBadInput, "the connection %s is another client's", id))
		return
	case !resumed && a.connections.len() >= maxConnections:
		a.pass(w, nil, errs.Overloaded("%s has %d connections", a.id, maxConnections))
		return
	case !resumed:
		conn = &Connection{id: strings.Clone(id), inbox: strings.Clone(inbox), a: a} // a batch has come in one piece of memory
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
		a.gate.resume(conn, &output{work: *w, reply: reply})
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
	a.host.clients.Add(conn.inbox, conn)
	a.finish(&result, &output{work: *w, reply: reply})
}

// resume sends a connection that goes on the positions of what was sent to it alone.
func (g *gate) resume(conn *Connection, o *output) {
	g.mu.Lock()
	sent, err := codec.MsgPack.Append(nil, conn.sent)
	g.mu.Unlock()
	if err == nil {
		o.events = []*event{{Broadcast: record.Broadcast{Event: wire.SentName, Payload: sent}, to: conn}}
	}
	g.pass(o, &turned{events: o.events})
}

func (a *activation) sessionReply(w *work, conn *Connection) (nats.Msg, error) {
	body, err := w.as.Append(nil, wire.Session{Host: a.session.ID, Epoch: a.epoch, Number: conn.number})
	return reply(w, body), err
}

// checkConnection refuses what a client may not ask hosts to publish to.
func checkConnection(ns wire.Namespace, id, inbox string) error {
	switch {
	case troupe.CheckName("connection", id) != nil:
		return errs.New(troupe.CodeBadInput, "%q is no id of a connection", id)
	case len(inbox) > maxInbox || !ns.IsInbox(inbox):
		return errs.New(troupe.CodeBadInput, "%.100q is no inbox of a client", inbox)
	}
	return nil
}

// disconnect does a call of wire.DisconnectAction.
func (a *activation) disconnect(w *work) {
	if conn := a.connections.find(header(w.header, wire.HeaderConnection)); conn != nil {
		a.hangUp(conn)
	}
	a.pass(w, nil, nil)
}

// hangUp ends a connection that is gone, and runs the on-disconnect hook.
func (a *activation) hangUp(conn *Connection) {
	a.connections.remove(conn)
	a.host.clients.Remove(conn.inbox, conn)
	if hook := a.kind.hooks.disconnect; hook != nil && !conn.left {
		conn.left = true
		a.runTurn(turn{action: "disconnect", connection: conn}, func(c *Context) error { return hook(a.state.pointer(), c, conn) })
	}
}

// hangUpAll ends the connections of an activation that ends: they come back in the next one.
func (a *activation) hangUpAll() {
	for _, conn := range a.connections.all() {
		a.hangUp(conn)
		a.sayClosed(conn, wire.Closed{Again: true, Reason: "the actor falls asleep or changes hosts"})
	}
}

// cutOff takes what a turn has done to connections, and returns what is to be sent for it.
func (a *activation) cutOff(cuts []cut) (events []*event) {
	for _, one := range cuts {
		if !a.connections.remove(one.connection) {
			continue
		}
		a.host.clients.Remove(one.connection.inbox, one.connection)
		if e, ok := a.farewell(one.connection, wire.Closed{Reason: one.reason}); ok {
			events = append(events, e)
		}
		a.mu.Lock()
		a.mailbox.Push(a.host.mailboxes, work{kind: leftWork, about: one.connection})
		a.mu.Unlock()
	}
	return events
}

// sayClosed tells a program that its connection has ended.
func (a *activation) sayClosed(conn *Connection, why wire.Closed) {
	if e, ok := a.farewell(conn, why); ok {
		a.gate.pass(&output{}, &turned{events: []*event{e}})
	}
}

func (a *activation) farewell(conn *Connection, why wire.Closed) (*event, bool) {
	data, err := codec.MsgPack.Append(nil, why)
	if err != nil {
		a.logger("").Error("encoding why a connection has ended failed", slog.Any("error", err))
	}
	return &event{Broadcast: record.Broadcast{Event: wire.ClosedName, Payload: data}, to: conn}, err == nil
}

// abandon tells the connections of an activation that has ended, without hooks.
func (a *activation) abandon() {
	why := wire.Closed{Again: !a.destroyed, Reason: "the actor changes hosts"}
	if a.destroyed {
		why.Reason = "the actor was destroyed"
	}
	for _, conn := range a.connections.all() {
		a.connections.remove(conn)
		a.host.clients.Remove(conn.inbox, conn)
		if e, ok := a.farewell(conn, why); ok {
			a.publish(e)
		}
	}
}

// connectionOf is the connection by which a call was made. One that is not known is about to come back, or is gone.
func (a *activation) connectionOf(w *work) (*Connection, error) {
	id := header(w.header, wire.HeaderConnection)
	if id == "" {
		return nil, nil
	}
	if conn := a.connections.find(id); conn != nil {
		return conn, nil
	}
	return nil, errs.Unavailable("%s does not know the connection %s", a.id, id)
}

// runTurn runs f as a turn that nobody waits for.
func (a *activation) runTurn(t turn, f func(*Context) error) {
	result, err := a.turn(t, f)
	if err != nil {
		a.logger("").Error("a hook failed", slog.String("action", t.action), slog.Any("error", err))
		return
	}
	a.finish(&result, &output{})
}

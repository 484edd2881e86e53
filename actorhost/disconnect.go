package actorhost

import (
	"log/slog"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// serveDisconnect does a call of wire.DisconnectAction.
func (a *activation) serveDisconnect(w *work) {
	if conn := a.connections.find(w.Get(wire.HeaderConnection)); conn != nil {
		a.disconnect(conn)
	}
	a.answer(w, nil, nil)
}

// disconnect ends a connection that is gone, and runs the on-disconnect hook.
func (a *activation) disconnect(conn *Connection) {
	a.connections.remove(conn)
	a.host.clients.Remove(conn.inbox, actorConnection{a, conn})
	if hook := a.kind.hooks.disconnect; hook != nil && !conn.disconnected {
		conn.disconnected = true
		a.runHookTurn(turn{action: "disconnect", connection: conn}, func(c *Context) error { return hook(a.state.pointer(), c, conn) })
	}
}

// disconnectAll ends the connections of an activation that ends: they come back in the next one.
func (a *activation) disconnectAll() {
	for _, conn := range a.connections.all() {
		a.disconnect(conn)
		a.sendClosed(conn, wire.Closed{Again: true, Reason: "the actor falls asleep or changes hosts"})
	}
}

// dropConnections tells the connections of an activation that has ended, without hooks.
func (a *activation) dropConnections() {
	why := wire.Closed{Again: !a.destroyed, Reason: "the actor changes hosts"}
	if a.destroyed {
		why.Reason = "the actor was destroyed"
	}
	for _, conn := range a.connections.all() {
		a.connections.remove(conn)
		a.host.clients.Remove(conn.inbox, actorConnection{a, conn})
		if e, ok := a.closedEvent(conn, why); ok {
			(*gateActor)(a).Publish(e)
		}
	}
}

// disconnectRequested takes what a turn has done to connections, and returns what is to be sent for it.
func (a *activation) disconnectRequested(cuts []disconnection) (events []*commit.Event) {
	for _, one := range cuts {
		if !a.connections.remove(one.connection) {
			continue
		}
		a.host.clients.Remove(one.connection.inbox, actorConnection{a, one.connection})
		if e, ok := a.closedEvent(one.connection, wire.Closed{Reason: one.reason}); ok {
			events = append(events, e)
		}
		a.mu.Lock()
		a.mailbox.Push(a.host.mailboxes, work{kind: disconnectWork, arg: one.connection})
		a.mu.Unlock()
	}
	return events
}

// sendClosed tells a program that its connection has ended.
func (a *activation) sendClosed(conn *Connection, why wire.Closed) {
	if e, ok := a.closedEvent(conn, why); ok {
		a.gate.Pass(&commit.Output{Events: []*commit.Event{e}}, &commit.Changes{})
	}
}

func (a *activation) closedEvent(conn *Connection, why wire.Closed) (*commit.Event, bool) {
	data, err := codec.MsgPack.Append(nil, why)
	if err != nil {
		a.logger("").Error("encoding why a connection has ended failed", slog.Any("error", err))
	}
	return conn.event(wire.ClosedName, data), err == nil
}

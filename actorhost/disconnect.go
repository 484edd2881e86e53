package actorhost

import (
	"log/slog"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// serveDisconnect runs a call of wire.DisconnectAction.
func (a *activation) serveDisconnect(w *work) {
	if conn := a.connections.find(w.Get(wire.HeaderConnection)); conn != nil {
		a.disconnect(conn)
	}
	a.answer(w, nil, nil)
}

// disconnect removes a connection and runs the on-disconnect hook.
func (a *activation) disconnect(conn *Connection) {
	a.connections.remove(conn)
	a.host.clients.Remove(conn.inbox, actorConnection{a, conn})
	if hook := a.kind.hooks.disconnect; hook != nil && !conn.disconnected {
		conn.disconnected = true
		a.runHookTurn(turn{kind: wire.TurnHook, action: "disconnect", connection: conn}, func(c *Context) error {
			return hook(a.state.pointer(), c, conn)
		})
	}
}

// disconnectAll ends the connections of an activation that is about to end. They come back to the next one.
func (a *activation) disconnectAll() {
	for _, conn := range a.connections.all() {
		a.disconnect(conn)
		a.sendClosed(conn, wire.Closed{Again: true, Reason: "the actor falls asleep or changes hosts"})
	}
}

// dropConnections ends the connections of an activation that has ended. It tells their programs, but runs no hooks.
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

// applyDisconnections ends the connections that a turn wants to end, and returns the events that tell their programs.
func (a *activation) applyDisconnections(all []disconnection) (events []*commit.Event) {
	for _, one := range all {
		if !a.connections.remove(one.connection) {
			continue
		}
		a.host.clients.Remove(one.connection.inbox, actorConnection{a, one.connection})
		if e, ok := a.closedEvent(one.connection, wire.Closed{Reason: one.reason}); ok {
			events = append(events, e)
		}
		a.mu.Lock()
		a.push(work{kind: disconnectWork, arg: one.connection})
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
		a.logger("").Error("encoding the end of a connection failed", slog.Any("error", err))
	}
	return conn.event(wire.ClosedName, data), err == nil
}

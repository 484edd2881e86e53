package actorhost

import (
	"log/slog"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// answer answers a call that has changed nothing.
func (a *activation) answer(w *work, out []byte, err error) {
	answer := &commit.Output{Call: w.Call}
	if err != nil {
		answer.Reply = a.host.out.ErrorReply(&w.Call, w.As, errs.As(err))
	} else {
		answer.Reply = outlet.Reply(&w.Call, out)
	}
	a.gate.Pass(answer, &commit.Changes{})
}

// commitTurn stores what a turn has changed, and sends what it wants to send after that.
func (a *activation) commitTurn(r *result, o *commit.Output) {
	for _, s := range r.direct {
		s.event.Place = s.to.nextPlace(s.event.Event, a.epoch)
	}
	o.Events = append(r.events, a.disconnectRequested(r.disconnections)...)
	if !r.destroyed {
		a.gate.Pass(o, &r.Changes)
		return
	}
	a.finished, a.destroyed = true, true
	a.gate.Destroy(o, &r.Changes)
}

// runHook runs a hook that nobody waits for.
func (a *activation) runHook(name string, f hook) {
	if f == nil || !a.awake {
		return
	}
	a.runHookTurn(turn{action: name}, func(c *Context) error { return f(a.state.pointer(), c) })
}

// runHookTurn runs f as a turn that nobody waits for.
func (a *activation) runHookTurn(t turn, f func(*Context) error) {
	result, err := a.runTurn(t, f)
	if err != nil {
		a.logger("").Error("a hook failed", slog.String("action", t.action), slog.Any("error", err))
		return
	}
	a.commitTurn(&result, &commit.Output{})
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

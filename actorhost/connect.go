package actorhost

import (
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// serveConnect runs a call of wire.ConnectAction.
func (a *activation) serveConnect(w *work) {
	id, inbox := w.Get(wire.HeaderConnection), w.Get(wire.HeaderInbox)
	if err := checkConnection(a.host.ns, id, inbox); err != nil {
		a.answer(w, nil, err)
		return
	}
	if wire.ImportedBy(w.Reply, w.Header) != "" {
		a.answer(w, nil, errs.New(troupe.CodeBadInput, "%s: connections do not cross accounts: nothing that a host sends to an inbox "+
			"would arrive there. Connect in the account of the hosts", a.id))
		return
	}
	if a.kind.connect == nil && !w.searched && w.As.Unmarshal(w.Data, new(troupe.None)) != nil {
		l := lacksAction(w.Action, errs.New(troupe.CodeBadInput, "%s takes no parameter of a connection", a.id))
		l.searched = true
		passed := *w
		a.host.passOn(&passed, a.id.Tokens(), l)
		return
	}
	conn, resumed, refused := a.connectionOf(id, inbox)
	if refused != nil {
		a.answer(w, nil, refused)
		return
	}
	reply, err := a.sessionReply(w, conn)
	switch {
	case err != nil:
		a.connections.remove(conn)
		a.answer(w, nil, err)
		return
	case resumed:
		a.resume(conn, &commit.Output{Call: w.Call, Reply: reply})
		return
	}
	t := hookTurn("connect", w)
	t.action, t.connection = w.Action, conn
	in := w.input() // not w, so that not every call escapes to the heap
	result, err := a.runTurn(t, func(c *Context) error {
		if hook := a.kind.connect; hook != nil {
			return hook(a.state.pointer(), c, conn, in)
		}
		return nil
	})
	if err != nil {
		a.connections.remove(conn)
		if a.misread {
			a.fail(w, errs.As(err))
		} else {
			a.answer(w, nil, err)
		}
		return
	}
	a.host.clients.Add(conn.inbox, actorConnection{a, conn})
	a.commitTurn(&result, &commit.Output{Call: w.Call, Reply: reply})
}

// connectionOf returns the connection with an id, which is a new one unless it is resumed.
func (a *activation) connectionOf(id, inbox string) (conn *Connection, resumed bool, err *troupe.Error) {
	conn = a.connections.find(id)
	switch {
	case conn != nil && conn.inbox != inbox:
		return nil, false, errs.New(troupe.CodeBadInput, "the connection %s is another client's", id)
	case conn != nil:
		return conn, true, nil
	case a.connections.len() >= maxConnections:
		return nil, false, errs.Overloaded("%s has %d connections", a.id, maxConnections)
	}
	// Cloned: a whole batch shares one piece of memory.
	conn = &Connection{id: strings.Clone(id), inbox: strings.Clone(inbox), since: a.host.clock.Now()}
	return conn, false, a.connections.add(conn)
}

// resume answers a connection that has come back while its actor stayed awake. It sends the positions of the last
// events that went to this connection alone.
func (a *activation) resume(conn *Connection, o *commit.Output) {
	if sent, err := codec.MsgPack.Append(nil, conn.sent()); err == nil {
		o.Events = []*commit.Event{conn.event(wire.SentName, sent)}
	}
	a.gate.Pass(o, &commit.Changes{})
}

func (a *activation) sessionReply(w *work, conn *Connection) (wire.Message, error) {
	body, err := w.As.Append(nil, wire.ConnectReply{Host: a.session.ID, Epoch: a.epoch, Number: conn.number})
	return outlet.Reply(&w.Call, body), err
}

// checkConnection refuses an id or an inbox that hosts must not publish to.
func checkConnection(ns wire.Namespace, id, inbox string) error {
	switch {
	case troupe.CheckName("connection", id) != nil:
		return errs.New(troupe.CodeBadInput, "%q is not the id of a connection", id)
	case len(inbox) > wire.MaxInbox || !ns.IsInbox(inbox):
		return errs.New(troupe.CodeBadInput, "%.100q is not the inbox of a client", inbox)
	}
	return nil
}

// callConnection returns the connection that a call was made on, nil if there is none. An unknown connection is either
// about to come back or gone.
func (a *activation) callConnection(w *work) (*Connection, error) {
	id := w.Get(wire.HeaderConnection)
	if id == "" {
		return nil, nil
	}
	if conn := a.connections.find(id); conn != nil {
		return conn, nil
	}
	return nil, errs.Unavailable("%s does not know the connection %s", a.id, id)
}

package client

import (
	"context"
	"errors"
	"iter"

	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/internal/wire"
)

// link is a connection with an actor: see [troupe.Link].
type link struct {
	client     *Client
	line       line // of all that arrives for it
	id         string
	connecting troupe.Connecting
	done       chan struct{}
	sent       map[string]troupe.Position // the last event to the connection alone that has arrived, by name; only for who receives

	establishing sync.Mutex // held while the actor is asked

	mu            sync.Mutex
	status        troupe.Status
	session       wire.Session
	err           error
	subscriptions map[*subscription]struct{}
}

// A call that takes this long may have met an actor that has changed hosts: the connection is looked after.
const lookAfter = 250 * time.Millisecond

// ID implements troupe.Link.
func (l *link) ID() string { return l.id }

// Done implements troupe.Link.
func (l *link) Done() <-chan struct{} { return l.done }

// Status implements troupe.Link.
func (l *link) Status() troupe.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Err implements troupe.Link.
func (l *link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Invoke makes a call, by the connection if it is to its actor.
func (l *link) Invoke(ctx context.Context, call troupe.Invocation) error {
	if call.ID != l.connecting.ID {
		return l.client.Invoke(ctx, call)
	}
	if err := l.Err(); err != nil {
		return err
	}
	call.Connection = l.id
	look := time.AfterFunc(lookAfter, func() { l.client.lookAfter(l) })
	defer look.Stop()
	return l.client.Invoke(ctx, call)
}

// Replay implements troupe.Caller.
func (l *link) Replay(ctx context.Context, id troupe.ID, event string, from troupe.Start) iter.Seq2[troupe.Replayed, error] {
	return l.client.Replay(ctx, id, event, from)
}

// Listen subscribes by the connection to events of its actor, and without it to others.
func (l *link) Listen(ctx context.Context, listening troupe.Listening) (troupe.Subscription, error) {
	if one, ok := listening.Actors.One(); !ok || one != l.connecting.ID {
		return l.client.Listen(ctx, listening)
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	return l.client.listen(listening, l)
}

// Close implements troupe.Link.
func (l *link) Close(ctx context.Context) error {
	if !l.end(&troupe.Error{Code: troupe.CodeDisconnected, Message: "the connection with " + l.connecting.ID.String() + " was closed"}) {
		return nil
	}
	err := l.client.Invoke(ctx, troupe.Invocation{
		ID: l.connecting.ID, Action: wire.DisconnectAction, Existing: true, Connection: l.id,
	})
	if err == nil || errors.Is(err, troupe.ErrNotFound) {
		l.client.links.forget(l)
		return nil
	}
	l.client.links.abandon(l)
	return err
}

// end ends the connection on this side. It reports whether it was not before.
func (l *link) end(err error) bool {
	l.mu.Lock()
	if l.status == troupe.StatusClosed {
		l.mu.Unlock()
		return false
	}
	subscriptions := l.subscriptions
	l.status, l.err, l.subscriptions = troupe.StatusClosed, err, nil
	l.mu.Unlock()
	for s := range subscriptions {
		_ = s.Unsubscribe() // never fails
	}
	l.tell(troupe.StatusChange{Status: troupe.StatusClosed, Err: err})
	close(l.done)
	return true
}

// lost is told that the connection may be gone.
func (l *link) lost(err error) {
	l.mu.Lock()
	was := l.status
	if was == troupe.StatusConnected {
		l.status = troupe.StatusReconnecting
	}
	l.mu.Unlock()
	if was == troupe.StatusConnected {
		l.tell(troupe.StatusChange{Status: troupe.StatusReconnecting, Err: err})
	}
}

// establish asks the actor for the connection. A connection that the actor does not know begins anew there.
func (l *link) establish(ctx context.Context) error {
	l.establishing.Lock()
	defer l.establishing.Unlock()
	var session wire.Session
	err := l.client.calls.Invoke(ctx, calls.Call{
		Invocation: troupe.Invocation{
			ID: l.connecting.ID, Action: wire.ConnectAction, Existing: l.connecting.Existing,
			In: l.connecting.Params, Out: &session, Connection: l.id,
		},
		Inbox: l.client.links.inbox,
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	old, was := l.session, l.status
	if was == troupe.StatusClosed {
		l.mu.Unlock()
		l.client.links.abandon(l) // the actor has it again
		return nil
	}
	l.status, l.session = troupe.StatusConnected, session
	l.mu.Unlock()
	if old.Epoch == 0 {
		return nil // it is new
	}
	broken := old.Epoch != session.Epoch || old.Number != session.Number
	if broken && was == troupe.StatusConnected {
		l.tell(troupe.StatusChange{Status: troupe.StatusReconnecting})
	}
	if broken || was == troupe.StatusReconnecting {
		l.tell(troupe.StatusChange{Status: troupe.StatusConnected, Break: broken})
	}
	return nil
}

func (l *link) tell(change troupe.StatusChange) {
	if f := l.connecting.Status; f != nil {
		l.line.then(func() { f(change) })
	}
}

// keep remembers a subscription, unless the connection has ended.
func (l *link) keep(s *subscription) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.subscriptions[s] = struct{}{}
	return nil
}

func (l *link) drop(s *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.subscriptions, s)
}

func (l *link) listeners() (all []*subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.subscriptions {
		all = append(all, s)
	}
	return all
}

// receive takes what the actor sends to the connection alone.
func (l *link) receive(name string, msg *nats.Msg) {
	switch name {
	case wire.ClosedName:
		var why wire.Closed
		if err := wire.DecodeBody(msg, &why); err != nil {
			return
		}
		err := &troupe.Error{Code: troupe.CodeDisconnected, Message: l.connecting.ID.String() + " has ended the connection: " + why.Reason}
		if why.Again {
			l.lost(err)
			l.client.lookAfter(l)
		} else if l.end(err) {
			l.client.links.forget(l)
		}
	case wire.SentName:
		var sent map[string]troupe.Position
		if err := wire.DecodeBody(msg, &sent); err == nil {
			l.missed(sent)
		}
	default:
		e := arrivalOf(msg)
		if !e.place.IsZero() {
			l.sent[name] = e.Position
		}
		e.Actor, e.Event, e.direct = l.connecting.ID, name, true
		for _, s := range l.listeners() {
			if s.listening.Event == name {
				s.take(e)
			}
		}
	}
}

// missed tells of what was sent to the connection alone and has not arrived.
func (l *link) missed(sent map[string]troupe.Position) {
	for name, last := range sent {
		if !l.sent[name].Before(last) {
			continue
		}
		l.sent[name] = last
		for _, s := range l.listeners() {
			if s.listening.Event == name {
				s.take(&arrival{subject: l.client.links.subject(l.id, name), mark: &mark{last: last}})
			}
		}
	}
}

// final reports whether a connection that could not be established is not to be tried again.
func final(err error) bool {
	var failed *troupe.Error
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.Code {
	case troupe.CodeUnavailable, troupe.CodeOutcomeUnknown, troupe.CodeDeadlineExceeded, troupe.CodeOverloaded, troupe.CodeUnknownType:
		return failed.FromActor
	}
	return true
}

package conns

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/client/internal/events"
	"github.com/troupe-go/troupe/internal/wire"
)

// conn is a connection with an actor: see [troupe.Conn]. The Caller is the client, for what is not about the actor.
type conn struct {
	troupe.Caller

	outlet  *outlet
	id      string
	request troupe.ConnectRequest
	channel *events.Channel // of its events and status changes
	done    chan struct{}

	establishing sync.Mutex // held while the actor is asked for the connection

	mu     sync.Mutex
	status troupe.Status
	reply  wire.ConnectReply
	err    error
}

// outlet is what a connection needs of its client.
type outlet struct {
	invoke func(ctx context.Context, call calls.Call) error
	inbox  string
	// repair asks the actor for the connection soon.
	repair func(c *conn)
	// forget drops a connection that has ended. If the actor does not know, its host learns it when it asks.
	forget func(c *conn, actorKnows bool)
}

// slowCall is when a call is so slow that its actor may have changed hosts: the actor is asked for the connection.
const slowCall = 250 * time.Millisecond

// ID implements troupe.Conn.
func (c *conn) ID() string { return c.id }

// Done implements troupe.Conn.
func (c *conn) Done() <-chan struct{} { return c.done }

// Status implements troupe.Conn.
func (c *conn) Status() troupe.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Err implements troupe.Conn.
func (c *conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// host is where the actor was when it was asked last, and whether the connection is connected.
func (c *conn) host() (id string, connected bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reply.Host, c.status == troupe.StatusConnected
}

// Invoke makes a call, through the connection if it is to its actor.
func (c *conn) Invoke(ctx context.Context, call troupe.Invocation) error {
	if call.ID != c.request.ID {
		return c.Caller.Invoke(ctx, call)
	}
	if err := c.Err(); err != nil {
		return err
	}
	call.Connection = c.id
	slow := time.AfterFunc(slowCall, func() { c.outlet.repair(c) })
	defer slow.Stop()
	return c.Caller.Invoke(ctx, call)
}

// Listen subscribes through the connection to events of its actor, and without it to others.
func (c *conn) Listen(ctx context.Context, l troupe.ListenRequest) (troupe.Subscription, error) {
	if one, ok := l.Actors.One(); !ok || one != c.request.ID {
		return c.Caller.Listen(ctx, l)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return c.channel.Listen(ctx, l)
}

// Close implements troupe.Conn.
func (c *conn) Close(ctx context.Context) error {
	if !c.end(&troupe.Error{Code: troupe.CodeDisconnected, Message: "the connection with " + c.request.ID.String() + " was closed"}) {
		return nil
	}
	err := c.outlet.invoke(ctx, calls.Call{Invocation: troupe.Invocation{
		ID: c.request.ID, Action: wire.DisconnectAction, Existing: true, Connection: c.id,
	}})
	if errors.Is(err, troupe.ErrNotFound) {
		err = nil
	}
	c.outlet.forget(c, err == nil)
	return err
}

// end ends the connection on this side, and its events at once. It reports false if it had ended before.
func (c *conn) end(err error) bool { return c.endBy(c.channel.Close, err) }

// endBy is end, but for how the events end.
func (c *conn) endBy(closeChannel func(error), err error) bool {
	c.mu.Lock()
	if c.status == troupe.StatusClosed {
		c.mu.Unlock()
		return false
	}
	c.status, c.err = troupe.StatusClosed, err
	c.mu.Unlock()
	closeChannel(err)
	c.tell(troupe.StatusChange{Status: troupe.StatusClosed, Err: err})
	close(c.done)
	return true
}

// lose notes that the connection may be gone.
func (c *conn) lose(err error) {
	c.mu.Lock()
	was := c.status
	if was == troupe.StatusConnected {
		c.status = troupe.StatusReconnecting
	}
	c.mu.Unlock()
	if was == troupe.StatusConnected {
		c.tell(troupe.StatusChange{Status: troupe.StatusReconnecting, Err: err})
	}
}

// establish asks the actor for the connection. If the actor does not know it, the actor begins it anew.
func (c *conn) establish(ctx context.Context) error {
	c.establishing.Lock()
	defer c.establishing.Unlock()
	var reply wire.ConnectReply
	err := c.outlet.invoke(ctx, calls.Call{
		Invocation: troupe.Invocation{
			ID: c.request.ID, Action: wire.ConnectAction, Existing: c.request.Existing,
			In: c.request.Params, Out: &reply, Connection: c.id,
		},
		Inbox: c.outlet.inbox,
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	old, was := c.reply, c.status
	if was == troupe.StatusClosed {
		c.mu.Unlock()
		c.outlet.forget(c, false) // the actor has it again
		return nil
	}
	c.status, c.reply = troupe.StatusConnected, reply
	c.mu.Unlock()
	if old.Epoch == 0 {
		return nil // it is new
	}
	broken := old.Epoch != reply.Epoch || old.Number != reply.Number
	if broken && was == troupe.StatusConnected {
		c.tell(troupe.StatusChange{Status: troupe.StatusReconnecting})
	}
	if broken || was == troupe.StatusReconnecting {
		c.tell(troupe.StatusChange{Status: troupe.StatusConnected, Restarted: broken})
	}
	return nil
}

func (c *conn) tell(change troupe.StatusChange) {
	if f := c.request.Status; f != nil {
		c.channel.Then(func() { f(change) })
	}
}

// receive takes what the actor sends to the connection alone.
func (c *conn) receive(name string, msg *nats.Msg) {
	switch name {
	case wire.ClosedName:
		var why wire.Closed
		if err := wire.DecodeBody(msg, &why); err != nil {
			return
		}
		err := &troupe.Error{Code: troupe.CodeDisconnected, Message: c.request.ID.String() + " has ended the connection: " + why.Reason}
		if why.Again {
			c.lose(err)
			c.outlet.repair(c)
		} else if c.endBy(c.channel.Finish, err) { // what the actor sent before is its last word
			c.outlet.forget(c, true)
		}
	case wire.SentName:
		var sent map[string]wire.Position
		if err := wire.DecodeBody(msg, &sent); err == nil {
			c.channel.Missed(sent)
		}
	default:
		c.channel.Deliver(name, msg)
	}
}

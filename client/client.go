package client

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/client/internal/conns"
	"github.com/troupe-go/troupe/client/internal/events"
	"github.com/troupe-go/troupe/internal/wire"
)

// Client calls actors over one NATS connection, which it does not own. It is a troupe.Caller and safe for concurrent
// use.
type Client struct {
	nc      *nats.Conn
	ns      wire.Namespace
	calls   *calls.Sender
	subs    *events.Subs
	conns   *conns.Conns
	closing atomic.Bool
}

// New returns a client on a connection, best one made by package bus: with the defaults of nats.go a call that is made
// while disconnected is buffered, and may run long after its caller has given up.
func New(nc *nats.Conn, config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	ns, err := wire.NewNamespace(config.Namespace)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	sender, err := calls.NewSender(nc, ns, config.Codec, config.Timeout)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	c := &Client{nc: nc, ns: ns, calls: sender}
	c.subs = events.NewSubs(events.Config{
		Conn: nc, Namespace: ns, Queue: config.EventQueue, Timeout: config.Timeout, Logger: config.Logger, Position: sender.Position,
	})
	c.conns = conns.New(conns.Config{Conn: nc, Client: c, Calls: sender, Subs: c.subs, Logger: config.Logger})
	return c, nil
}

// Actor refers to an actor by the name of its type, for programs without its contract: see troupe.Actor.
func (c *Client) Actor(actorType string, key ...string) troupe.Handle {
	return troupe.Actor(c, actorType, key...)
}

// Resent is how often the client has sent calls again, because they were refused before they started or not answered for
// a while. The calls themselves need not have failed.
func (c *Client) Resent() uint64 { return c.calls.Resent() }

// Invoke makes one call: see [troupe.Action.Call]. It goes to the actor directly, and by the route of its type when
// nobody answers there. A call that was refused before it started, or that is not answered for a while, is sent again
// until ctx is done: its actor recognises it by its request id, and runs it once. The same holds while no host of a type
// is up that this client has reached before; one that it has never reached is reported at once as an unknown type. Every
// error is a *troupe.Error.
func (c *Client) Invoke(ctx context.Context, call troupe.Invocation) error {
	return c.calls.Invoke(ctx, calls.Call{Invocation: call})
}

// Listen makes a subscription: see [troupe.Event.Subscribe]. The error of a handler, or of an event that cannot be
// decoded, is logged. When handlers are so slow that too many events wait (see [Config].EventQueue), or 64 MB of them, what
// follows is dropped, and told as a gap once they have caught up.
func (c *Client) Listen(_ context.Context, l troupe.ListenRequest) (troupe.Subscription, error) {
	return c.subs.Listen(l)
}

// Connect begins a session with an actor: see [troupe.Connector.Connect].
func (c *Client) Connect(ctx context.Context, request troupe.ConnectRequest) (troupe.Conn, error) {
	return c.conns.Connect(ctx, request)
}

// Close ends the client's subscriptions, waits for the handlers that run, until ctx is done, and fails the calls that
// wait. The connection stays open.
func (c *Client) Close(ctx context.Context) error {
	if c.closing.Swap(true) {
		return nil
	}
	c.conns.Close(ctx)
	err := c.calls.Close()
	c.subs.Close()
	if err := c.subs.Handled(ctx); err != nil {
		return fmt.Errorf("client: waiting for handlers of events: %w", err)
	}
	return err
}

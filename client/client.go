package client

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/client/internal/conns"
	"github.com/troupe-go/troupe/client/internal/events"
	"github.com/troupe-go/troupe/client/internal/streams"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// Client calls actors, subscribes to their events and connects with them, over one NATS connection that it does not own.
// It is a troupe.Caller, and safe for concurrent use.
type Client struct {
	nc      *nats.Conn
	ns      wire.Namespace
	calls   *calls.Sender
	subs    *events.Subs
	conns   *conns.Conns
	streams *streams.Streams
	js      jetstream.JetStream // for messages that are pushed
	codec   codec.Codec

	intercept troupe.Interceptor
	closing   atomic.Bool
	life      context.Context //nolint:containedctx // done when nothing arrives any more
	end       context.CancelCauseFunc

	stopWatching func() // the NATS connection
}

// New returns a client on a connection. Make the connection by package bus: with the defaults of nats.go, a call that is
// made while disconnected is buffered, and may run long after its caller has given up. The client must be closed. Once the
// connection is closed for good, a client is of no use any more: calls fail as unavailable, and subscriptions and
// connections with actors end, each with the reason.
func New(nc *nats.Conn, config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	ns, err := wire.NewNamespace(config.Namespace)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	sender, err := calls.NewSender(nc, ns, config.Codec, config.Timeout, func(ctx context.Context, actorType string) bool {
		return !config.FailWithoutHost && knowsType(ctx, nc, ns, actorType)
	})
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	sender.Intercept(config.Intercept)
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("client: using JetStream: %w", err)
	}
	c := &Client{nc: nc, ns: ns, calls: sender, js: js, codec: config.Codec, intercept: config.Intercept}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.streams = streams.New(nc, ns, sender)
	c.subs = events.NewSubs(events.Config{
		Conn: nc, Namespace: ns, Queue: config.EventQueue, Timeout: config.Timeout, Logger: config.Logger, Position: sender.Position,
		Intercept: config.Intercept,
	})
	c.conns = conns.New(conns.Config{Conn: nc, Client: c, Calls: sender, Subs: c.subs, Logger: config.Logger})
	stopWatching := link.WhenClosed(nc, c.connectionClosed)
	stopHearing := link.KeepHearing(nc, func(subject string) bool {
		return link.IsInbox(nc, subject) || strings.HasPrefix(subject, ns.Name()+".event.")
	}, nil)
	c.stopWatching = func() { stopWatching(); stopHearing() }
	return c, nil
}

// connectionClosed ends what waits for something to arrive. The calls that wait fail by themselves.
func (c *Client) connectionClosed(reason error) {
	why := &troupe.Error{Code: troupe.CodeUnavailable, Message: reason.Error(), Err: reason}
	c.end(why)
	c.subs.Fail(why)
	c.streams.Fail(why)
	c.conns.Fail(why)
}

// Actor refers to an actor by the name of its type, for programs without its contract: see [troupe.Actor].
func (c *Client) Actor(actorType string, key ...string) troupe.Handle {
	return troupe.Actor(c, actorType, key...)
}

// Resent counts how often the client has sent a call again, because it was refused before it started, or was not answered for
// a while and not found where it was asked for. The calls need not have failed.
func (c *Client) Resent() uint64 { return c.calls.Resent() }

// Dropped counts the events that the client has dropped, because more than [Config].EventQueue, or 64 MB, waited for the handlers of a
// subscription. Who has subscribed is told of a gap.
func (c *Client) Dropped() int64 { return c.subs.Dropped() }

// Figures yields what the client tells about itself, for metrics: those of troupe.Figures that a client has. Those of the client of a
// host are among the host's.
func (c *Client) Figures() iter.Seq[troupe.Figure] {
	return func(yield func(troupe.Figure) bool) {
		_ = yield(troupe.Figure{Name: "troupe.calls.resent", Value: float64(c.Resent())}) &&
			yield(troupe.Figure{Name: "troupe.events.dropped", Value: float64(c.Dropped())})
	}
}

// Invoke makes one call: see [troupe.Action.Call]. The call goes to the actor directly, and to any host of its type if
// nobody answers there. If it is refused before it started, or not answered for a while, the client sends it again until
// ctx is done; the actor knows it by its request id and runs it once. If no host of the type is up, the client waits for
// one, provided that it has reached one before, or finds an actor of the type in the store, where many clients may not look;
// otherwise the error is troupe.ErrUnknownType at once. Every error is a *troupe.Error.
func (c *Client) Invoke(ctx context.Context, call troupe.Invocation) error {
	return c.calls.Invoke(ctx, calls.Call{Invocation: call})
}

// Stream opens a stream: see [troupe.Stream.Call].
func (c *Client) Stream(ctx context.Context, r troupe.StreamRequest) iter.Seq2[func(any) error, error] {
	return c.streams.Read(ctx, r)
}

// Listen makes a subscription: see [troupe.Event.Subscribe]. If a handler fails, or an event cannot be decoded, the error is
// logged. If too many events wait (see [Config].EventQueue), the next ones are dropped; the handler is told of the gap when
// it has caught up.
func (c *Client) Listen(ctx context.Context, l troupe.ListenRequest) (troupe.Subscription, error) {
	return c.subs.Listen(ctx, l)
}

// Connect connects the program with an actor: see [troupe.Connector.Connect].
func (c *Client) Connect(ctx context.Context, request troupe.ConnectRequest) (troupe.Conn, error) {
	return c.conns.Connect(ctx, request)
}

// Close closes the client's connections with actors, fails the calls that wait, ends the subscriptions, and waits for the
// handlers that run, until ctx is done. The NATS connection stays open. With the context of one of these handlers it would
// wait for itself: then it closes nothing, and the error is troupe.ErrBadInput.
func (c *Client) Close(ctx context.Context) error {
	if c.subs.Handles(ctx) {
		return &troupe.Error{Code: troupe.CodeBadInput,
			Message: "client: Close within a handler of the client would wait for itself: close it elsewhere"}
	}
	if c.closing.Swap(true) {
		return nil
	}
	c.stopWatching()
	c.conns.Close(ctx)
	closed := &troupe.Error{Code: troupe.CodeUnavailable, Message: "the client is closed"}
	c.end(closed)
	c.streams.Fail(closed)
	err := c.calls.Close()
	c.subs.Close()
	if err := c.subs.Handled(ctx); err != nil {
		return fmt.Errorf("client: waiting for handlers of events: %w", err)
	}
	return err
}

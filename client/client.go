package client

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// Client calls actors over one NATS connection, which it does not own. It is a troupe.Caller and safe for concurrent
// use.
type Client struct {
	nc        *nats.Conn
	ns        wire.Namespace
	requester *rpc.Requester
	codec     codec.Codec
	timeout   time.Duration
	logger    *slog.Logger
	resent    atomic.Uint64
	known     names // the types that hosts have answered for
	queue     int   // events that may wait in each subscription
	feeds     *feeds
	links     links
	hosts     hosts                     // at which calls wait
	leaving   atomic.Pointer[time.Time] // since then; nil before
	closing   atomic.Bool
}

// Option is a setting of a Client.
type Option func(*settings)

type settings struct {
	namespace string
	codec     codec.Codec
	timeout   time.Duration
	logger    *slog.Logger
	queue     int
}

// WithNamespace calls the actors of another namespace than [wire.DefaultNamespace].
func WithNamespace(name string) Option { return func(s *settings) { s.namespace = name } }

// WithCodec sends inputs, and asks for outputs, in another encoding than msgpack.
func WithCodec(c codec.Codec) Option { return func(s *settings) { s.codec = c } }

// WithTimeout bounds the calls whose context has no deadline, by [wire.DefaultTimeout] when it is not given.
func WithTimeout(timeout time.Duration) Option { return func(s *settings) { s.timeout = timeout } }

// WithLogger is where the client tells of failing handlers of events, slog.Default() when it is not given.
func WithLogger(logger *slog.Logger) Option { return func(s *settings) { s.logger = logger } }

// WithQueue is how many events of a subscription may wait for their handler, [DefaultQueue] when it is not given. Those
// beyond are dropped and told as a gap: see [Client.Listen].
func WithQueue(events int) Option { return func(s *settings) { s.queue = events } }

// New returns a client on a connection, best one made by package bus: with the defaults of nats.go a call that is made
// while disconnected is buffered, and may run long after its caller has given up.
func New(nc *nats.Conn, options ...Option) (*Client, error) {
	s := settings{codec: codec.MsgPack, timeout: wire.DefaultTimeout, logger: slog.Default(), queue: DefaultQueue}
	for _, option := range options {
		option(&s)
	}
	if s.timeout <= 0 {
		return nil, fmt.Errorf("client: the timeout %v is not positive", s.timeout)
	}
	if s.queue <= 0 {
		return nil, fmt.Errorf("client: a queue of %d events is not positive", s.queue)
	}
	ns, err := wire.NewNamespace(s.namespace)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	requester, err := rpc.NewRequester(nc)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	requester.SendTogether(ns)
	c := &Client{nc: nc, ns: ns, requester: requester, codec: s.codec, timeout: s.timeout, logger: s.logger, queue: s.queue}
	c.feeds = newFeeds(c)
	return c, nil
}

// Actor refers to an actor by the name of its type, for programs without its contract: see troupe.Actor.
func (c *Client) Actor(actorType string, key ...string) troupe.Handle {
	return troupe.Actor(c, actorType, key...)
}

// Resent is how often the client has sent calls again, because they were refused before they started or not answered for
// a while. The calls themselves need not have failed.
func (c *Client) Resent() uint64 { return c.resent.Load() }

// Leave says that the program is about to end. Calls go on; but where no host of a type is up, one is waited for no longer
// than a second from now, by a call that then fails as unavailable: who ends may be the last.
func (c *Client) Leave() {
	now := time.Now()
	c.leaving.CompareAndSwap(nil, &now)
}

// lastHope is how long it is thought that another host may come.
const lastHope = time.Second

func (c *Client) left() bool {
	since := c.leaving.Load()
	return since != nil && time.Since(*since) > lastHope
}

// Close ends the client's subscriptions, waits for the handlers that run, until ctx is done, and fails the calls that
// wait. The connection stays open.
func (c *Client) Close(ctx context.Context) error {
	if c.closing.Swap(true) {
		return nil
	}
	c.closeLinks(ctx)
	err := c.requester.Close()
	c.feeds.close()
	handled := make(chan struct{})
	go func() { c.feeds.handling.Wait(); close(handled) }()
	select {
	case <-handled:
	case <-ctx.Done():
		return fmt.Errorf("client: waiting for handlers of events: %w", ctx.Err())
	}
	return err
}

package client

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// Client calls actors over one NATS connection, which it does not own. It is a troupe.Caller and safe for concurrent
// use.
type Client struct {
	nc        *nats.Conn
	ns        bus.Namespace
	requester *bus.Requester
	codec     codec.Codec
	timeout   time.Duration
	logger    *slog.Logger
	resent    atomic.Uint64
	known     names // the types that hosts have answered for

	mu            sync.Mutex
	subscriptions map[*subscription]struct{} // nil once closed
	suspects      []*subscription            // that have missed events without having noticed yet
	suspicion     chan struct{}              // there are some
	watcher       sync.Once
	quit          chan struct{}
	watching      sync.WaitGroup

	links links
}

// Option is a setting of a Client.
type Option func(*settings)

type settings struct {
	namespace string
	codec     codec.Codec
	timeout   time.Duration
	logger    *slog.Logger
}

// WithNamespace calls the actors of another namespace than [bus.DefaultNamespace].
func WithNamespace(name string) Option { return func(s *settings) { s.namespace = name } }

// WithCodec sends inputs, and asks for outputs, in another encoding than msgpack.
func WithCodec(c codec.Codec) Option { return func(s *settings) { s.codec = c } }

// WithTimeout bounds the calls whose context has no deadline, by [bus.DefaultTimeout] when it is not given.
func WithTimeout(timeout time.Duration) Option { return func(s *settings) { s.timeout = timeout } }

// WithLogger is where the client tells of failing handlers of events, slog.Default() when it is not given.
func WithLogger(logger *slog.Logger) Option { return func(s *settings) { s.logger = logger } }

// New returns a client on a connection, best one made by package bus: with the defaults of nats.go a call that is made
// while disconnected is buffered, and may run long after its caller has given up.
func New(nc *nats.Conn, options ...Option) (*Client, error) {
	s := settings{codec: codec.MsgPack, timeout: bus.DefaultTimeout, logger: slog.Default()}
	for _, option := range options {
		option(&s)
	}
	if s.timeout <= 0 {
		return nil, fmt.Errorf("client: the timeout %v is not positive", s.timeout)
	}
	ns, err := bus.NewNamespace(s.namespace)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	requester, err := bus.NewRequester(nc)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return &Client{
		nc: nc, ns: ns, requester: requester, codec: s.codec, timeout: s.timeout, logger: s.logger,
		subscriptions: make(map[*subscription]struct{}), suspicion: make(chan struct{}, 1), quit: make(chan struct{}),
	}, nil
}

// Actor refers to an actor by the name of its type, for programs without its contract: see troupe.Actor.
func (c *Client) Actor(actorType string, key ...string) troupe.Handle {
	return troupe.Actor(c, actorType, key...)
}

// Resent is how often the client has sent calls again, because they were refused before they started or not answered for
// a while. The calls themselves need not have failed.
func (c *Client) Resent() uint64 { return c.resent.Load() }

// Close ends the client's subscriptions, waits for the handlers that run, until ctx is done, and fails the calls that
// wait. The connection stays open.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	subscriptions := c.subscriptions
	c.subscriptions = nil
	c.mu.Unlock()
	if subscriptions == nil { // closed before
		return nil
	}
	c.closeLinks(ctx)
	close(c.quit)
	err := c.requester.Close()
	c.watching.Wait()
	for s := range subscriptions {
		s.end()
	}
	for s := range subscriptions {
		select {
		case <-s.done:
		case <-ctx.Done():
			return fmt.Errorf("client: waiting for handlers of events: %w", ctx.Err())
		}
	}
	return err
}

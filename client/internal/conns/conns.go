// Package conns keeps the connections of a client with actors.
package conns

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/client/internal/events"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Config is what Conns need of their client.
type Config struct {
	Conn   *nats.Conn
	Client troupe.Caller // for what is not about the actor of a connection
	Calls  *calls.Sender
	Subs   *events.Subs
	Logger *slog.Logger
}

// Conns are all connections of a client with actors. They receive through the client's subscriptions, so that what an
// actor broadcasts and what it sends to one connection stays in order.
type Conns struct {
	config  Config
	keeper  *keeper
	givenUp givenUp
	outlet  outlet
	inbox   string        // of all; what is sent to one arrives at INBOX.ID.NAME
	quit    chan struct{} // closed when the keeper must end
	keeping sync.WaitGroup

	mu     sync.Mutex
	byID   map[string]*conn
	sub    *nats.Subscription // of the inbox; nil until there is a connection
	closed bool
}

// closeTimeout bounds how long Close waits for the actors.
const closeTimeout = 2 * time.Second

// New returns the connections of a new client. They must be closed.
func New(config Config) *Conns {
	s := &Conns{config: config, inbox: config.Conn.NewInbox(), quit: make(chan struct{}), byID: make(map[string]*conn)}
	s.keeper = newKeeper(s.all)
	s.outlet = outlet{
		invoke: config.Calls.Invoke, inbox: s.inbox,
		repair: func(c *conn) { s.keeper.repair(c) }, forget: s.forget,
	}
	return s
}

// Connect connects with an actor: see [troupe.Connector.Connect].
func (s *Conns) Connect(ctx context.Context, request troupe.ConnectRequest) (troupe.Conn, error) {
	id := "c" + strings.ToLower(rand.Text())
	c := &conn{
		Caller: s.config.Client, id: id, request: request, done: make(chan struct{}),
		channel: s.config.Subs.NewChannel(s.inbox, id, request.ID),
		status:  troupe.StatusReconnecting, outlet: &s.outlet,
	}
	if err := s.add(c); err != nil {
		return nil, err
	}
	var err error
	for _, one := range request.Subscriptions {
		if err == nil {
			_, err = c.channel.Listen(ctx, one)
		}
	}
	if err == nil {
		err = c.establish(ctx)
	}
	if err != nil {
		c.request.Status = nil
		c.end(err)
		s.forget(c, false) // the actor may have it all the same
		return nil, err
	}
	return c, nil
}

// add starts to receive for a connection.
func (s *Conns) add(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &troupe.Error{Code: troupe.CodeUnavailable, Message: "the client is closed"}
	}
	if s.sub == nil {
		sub, err := s.config.Subs.Receive(s.inbox+".>", s.receive)
		if err != nil {
			return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
				Message: "subscribing for connections: " + err.Error()}
		}
		s.sub = sub
		changes := s.config.Conn.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
		s.keeping.Go(func() {
			defer s.config.Conn.RemoveStatusListener(changes)
			s.keeper.run(changes, s.quit)
		})
	}
	s.byID[c.id] = c
	return nil
}

// forget drops a connection that has ended. If the actor does not know, its host learns it when it asks.
func (s *Conns) forget(c *conn, actorKnows bool) {
	s.mu.Lock()
	delete(s.byID, c.id)
	s.mu.Unlock()
	if actorKnows {
		s.givenUp.remove(c.id)
	} else {
		s.givenUp.add(c.id)
	}
}

func (s *Conns) all() (all []*conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.byID {
		all = append(all, c)
	}
	return all
}

// receive takes what is sent to connections alone.
func (s *Conns) receive(msg *nats.Msg) {
	rest := strings.TrimPrefix(msg.Subject, s.inbox+".")
	if rest == wire.PingName {
		s.answerPing(msg)
		return
	}
	id, name, _ := strings.Cut(rest, ".")
	s.mu.Lock()
	c := s.byID[id]
	s.mu.Unlock()
	switch {
	case c != nil:
		c.receive(name, msg)
	case troupe.CheckName("connection", id) == nil:
		s.givenUp.add(id) // its actor is mistaken
	}
}

// answerPing tells a host that the client is there, and which connections it has given up. The host drops those.
func (s *Conns) answerPing(msg *nats.Msg) {
	var body []byte
	if ids := s.givenUp.tell(); len(ids) > 0 {
		body, _ = codec.MsgPack.Append(nil, ids) // which cannot fail
	}
	_ = msg.Respond(body) // without a connection it is asked again
}

// Fail ends all connections, because nothing arrives any more. What has arrived is handled.
func (s *Conns) Fail(why *troupe.Error) {
	for _, c := range s.all() {
		ended := "the connection with " + c.request.ID.String() + " has ended: " + why.Message
		err := &troupe.Error{Code: why.Code, Message: ended, Err: why.Err}
		if c.endBy(c.channel.Finish, err) {
			s.forget(c, false)
		}
	}
}

// Close closes all connections.
func (s *Conns) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	sub := s.sub
	s.mu.Unlock()
	if sub == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	var closing errgroup.Group
	closing.SetLimit(asksAtOnce)
	for _, c := range s.all() {
		closing.Go(func() error { return c.Close(ctx) })
	}
	if err := closing.Wait(); err != nil {
		s.config.Logger.Warn("closing connections failed: their actors find out by themselves", slog.Any("error", err))
	}
	_ = sub.Unsubscribe() // of a connection that is closed there is nothing left
	close(s.quit)
	s.keeping.Wait()
}

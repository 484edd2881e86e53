package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// links are the connections of a client. They receive by its feeds, so that what an actor broadcasts and what it sends to
// one connection stays in order; one goroutine looks after them.
type links struct {
	inbox   string             // of all; what is sent to one arrives at INBOX.ID.NAME
	sub     *nats.Subscription // of the inbox
	wake    chan struct{}      // there is something to look after
	quit    chan struct{}
	looking sync.WaitGroup

	mu     sync.Mutex
	byID   map[string]*link     // nil until there is one
	ailing map[*link]struct{}   // that may be lost
	given  map[string]time.Time // ids that are given up, and whose actors may not know, and since when
	closed bool
}

const (
	// Each host with an actor that there is a connection with is asked this often, by one of them, whether it is there.
	lookEvery    = 2 * time.Second
	looksAtOnce  = 64
	lookTimeout  = 5 * time.Second
	firstLook    = 100 * time.Millisecond // after one that has failed, twice as long each time up to
	longestLook  = 5 * time.Second
	maxGivenUp   = 4096
	keepGiven    = 30 * time.Second // in which every host asks a few times
	closeTimeout = 2 * time.Second
)

// Connect begins a session with an actor: see [troupe.Connector.Connect].
func (c *Client) Connect(ctx context.Context, connecting troupe.Connecting) (troupe.Link, error) {
	l := &link{
		client: c, id: "c" + strings.ToLower(rand.Text()), connecting: connecting, done: make(chan struct{}),
		status: troupe.StatusReconnecting, subscriptions: make(map[*subscription]struct{}),
		sent: make(map[string]troupe.Position),
	}
	l.line.client = c
	if err := c.links.add(c, l); err != nil {
		return nil, err
	}
	var err error
	for _, listening := range connecting.Listening {
		if err == nil {
			_, err = c.listen(listening, l)
		}
	}
	if err == nil {
		err = l.establish(ctx)
	}
	if err != nil {
		l.connecting.Status = nil
		l.end(err)
		c.links.abandon(l) // the actor may have it all the same
		return nil, err
	}
	return l, nil
}

// add starts to receive for a link.
func (s *links) add(c *Client, l *link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &troupe.Error{Code: troupe.CodeUnavailable, Message: "the client is closed"}
	}
	if s.byID == nil {
		s.inbox = c.nc.NewInbox()
		s.wake, s.quit = make(chan struct{}, 1), make(chan struct{})
		sub, err := c.feeds.receive(s.inbox+".>", c.receiveForLinks)
		if err != nil {
			return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
				Message: "subscribing for connections: " + err.Error()}
		}
		s.sub = sub
		s.byID, s.ailing, s.given = make(map[string]*link), make(map[*link]struct{}), make(map[string]time.Time)
		s.looking.Go(c.lookAfterLinks)
	}
	s.byID[l.id] = l
	return nil
}

func (s *links) subject(id, event string) string { return s.inbox + "." + id + "." + event }

// forget drops a link whose actor knows that it has ended.
func (s *links) forget(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, l.id)
	delete(s.ailing, l)
	delete(s.given, l.id)
}

// abandon drops a link whose actor may not know: its host hears of it when it asks.
func (s *links) abandon(l *link) {
	s.forget(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.given) < maxGivenUp {
		s.given[l.id] = time.Now()
	}
}

// receiveForLinks takes what is sent to connections alone.
func (c *Client) receiveForLinks(msg *nats.Msg) {
	s := &c.links
	rest := strings.TrimPrefix(msg.Subject, s.inbox+".")
	if rest == wire.PingName {
		c.answerPing(msg)
		return
	}
	id, name, _ := strings.Cut(rest, ".")
	s.mu.Lock()
	l := s.byID[id]
	if l == nil && len(s.given) < maxGivenUp && troupe.CheckName("connection", id) == nil {
		s.given[id] = time.Now() // its actor is mistaken
	}
	s.mu.Unlock()
	if l != nil {
		l.receive(name, msg)
	}
}

// answerPing tells a host that the client is there, and what it has given up. A host that has been told drops it.
func (c *Client) answerPing(msg *nats.Msg) {
	s := &c.links
	s.mu.Lock()
	given := make([]string, 0, len(s.given))
	for id, since := range s.given {
		if given = append(given, id); time.Since(since) > keepGiven {
			delete(s.given, id)
		}
	}
	s.mu.Unlock()
	var body []byte
	if len(given) > 0 {
		body, _ = codec.MsgPack.Append(nil, given) // which cannot fail
	}
	_ = msg.Respond(body) // without a connection it is asked again
}

// lookAfter has a link asked for soon.
func (c *Client) lookAfter(all ...*link) {
	s := &c.links
	s.mu.Lock()
	for _, l := range all {
		if s.byID[l.id] == l {
			s.ailing[l] = struct{}{}
		}
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// lookAfterLinks gets connections back that are lost, and finds out which are.
func (c *Client) lookAfterLinks() {
	s := &c.links
	changes := c.nc.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
	defer c.nc.RemoveStatusListener(changes)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	again := time.NewTimer(longestLook)
	defer again.Stop()
	wait := firstLook
	for {
		select {
		case <-s.quit:
			return
		case status := <-changes:
			for _, l := range s.all() {
				l.lost(nats.ErrDisconnected)
				if status == nats.CONNECTED {
					c.lookAfter(l)
				}
			}
			continue
		case <-tick.C:
			c.lookAtHosts()
		case <-s.wake:
		case <-again.C:
		}
		if c.establishAiling() {
			wait = firstLook
		} else {
			again.Reset(wait)
			wait = min(2*wait, longestLook)
		}
	}
}

func (s *links) all() (all []*link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byID {
		all = append(all, l)
	}
	return all
}

// lookAtHosts asks one actor of each host. When that one has moved, all of its host are asked for.
func (c *Client) lookAtHosts() {
	byHost := make(map[string][]*link)
	for _, l := range c.links.all() {
		l.mu.Lock()
		if l.status == troupe.StatusConnected {
			byHost[l.session.Host] = append(byHost[l.session.Host], l)
		}
		l.mu.Unlock()
	}
	var looks errgroup.Group
	looks.SetLimit(looksAtOnce)
	for host, all := range byHost {
		looks.Go(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
			defer cancel()
			one := all[0] // maps are in no order: each time another one
			err := one.establish(ctx)
			one.mu.Lock()
			moved := err != nil || one.session.Host != host
			one.mu.Unlock()
			if moved {
				c.lookAfter(all...)
			}
			return nil
		})
	}
	_ = looks.Wait() // it has no errors
}

// establishAiling gets those back that may be lost. It reports whether that has worked.
func (c *Client) establishAiling() bool {
	s := &c.links
	s.mu.Lock()
	ailing := s.ailing
	s.ailing = make(map[*link]struct{})
	s.mu.Unlock()
	var looks errgroup.Group
	looks.SetLimit(looksAtOnce)
	for l := range ailing {
		looks.Go(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
			defer cancel()
			err := l.establish(ctx)
			switch {
			case err == nil:
				return nil
			case final(err):
				if l.end(fmt.Errorf("connecting again: %w", err)) {
					s.forget(l)
				}
				return nil
			}
			l.lost(err)
			s.mu.Lock()
			if s.byID[l.id] == l {
				s.ailing[l] = struct{}{}
			}
			s.mu.Unlock()
			return err
		})
	}
	return looks.Wait() == nil
}

// closeLinks closes all connections.
func (c *Client) closeLinks(ctx context.Context) {
	s := &c.links
	s.mu.Lock()
	s.closed = true
	began := s.byID != nil
	s.mu.Unlock()
	if !began {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	var closing errgroup.Group
	closing.SetLimit(looksAtOnce)
	for _, l := range s.all() {
		closing.Go(func() error { return l.Close(ctx) })
	}
	if err := closing.Wait(); err != nil {
		c.logger.Warn("closing connections failed: their actors find out by themselves", "error", err)
	}
	_ = s.sub.Unsubscribe() // of a connection that is closed there is nothing left
	close(s.quit)
	s.looking.Wait()
}

package presence

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Clients are the programs that have connections C with a host's actors, by inbox. It pings them to find out which are
// gone. It is safe for concurrent use.
type Clients[C comparable] struct {
	ping  func(ctx context.Context, inbox string) (answer []byte, err error)
	id    func(C) string // of a connection, as its client knows it
	ended func(C)        // called when a connection has ended, with each ping until it is removed

	mu       sync.Mutex
	byInbox  map[string]*clientEntry[C]
	notEmpty chan struct{} // has an element once there is a connection
}

type clientEntry[C comparable] struct {
	connections map[C]struct{}
	missed      int // consecutive pings
}

// Each client is pinged once for all its connections. A client that misses missedPings in a row, because nobody listens to
// its inbox or nobody answers, is gone. Its actors know within 15 s.
const (
	pingClientsEvery  = 5 * time.Second
	pingClientTimeout = 2 * time.Second
	pingsAtOnce       = 64
	missedPings       = 2
)

// NewClients returns the clients of a host, none as yet. While the host itself is cut off, failed pings do not count.
func NewClients[C comparable](p *Presence, id func(C) string, gone func(C)) *Clients[C] {
	ping := func(ctx context.Context, inbox string) ([]byte, error) {
		answer, err := p.Requester.Do(ctx, &wire.Message{Subject: inbox + "." + wire.PingName}, pingClientTimeout)
		switch missed := errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded); {
		case err == nil:
			return answer.Data, nil
		case missed && p.Session().Valid():
			return nil, errMissed
		}
		return nil, err
	}
	return &Clients[C]{ping: ping, id: id, ended: gone, byInbox: make(map[string]*clientEntry[C]), notEmpty: make(chan struct{}, 1)}
}

var errMissed = errors.New("the client does not answer")

// Add adds a connection of a client.
func (s *Clients[C]) Add(inbox string, conn C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byInbox[inbox]
	if c == nil {
		c = &clientEntry[C]{connections: make(map[C]struct{}, 1)}
		s.byInbox[inbox] = c
	}
	c.connections[conn] = struct{}{}
	select {
	case s.notEmpty <- struct{}{}:
	default:
	}
}

// Remove removes a connection.
func (s *Clients[C]) Remove(inbox string, conn C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byInbox[inbox]; c != nil {
		if delete(c.connections, conn); len(c.connections) == 0 {
			delete(s.byInbox, inbox)
		}
	}
}

// Watch pings the clients until ctx is done. It begins with the first connection.
func (s *Clients[C]) Watch(ctx context.Context) {
	select {
	case <-s.notEmpty:
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(pingClientsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		var pings errgroup.Group
		pings.SetLimit(pingsAtOnce)
		for _, inbox := range s.inboxes() {
			pings.Go(func() error { s.pingClient(ctx, inbox); return nil })
		}
		_ = pings.Wait() // never fails
	}
}

func (s *Clients[C]) inboxes() (inboxes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for inbox := range s.byInbox {
		inboxes = append(inboxes, inbox)
	}
	return inboxes
}

// pingClient pings one client and reports its ended connections: all if the client is gone, otherwise those that its
// answer gives up.
func (s *Clients[C]) pingClient(ctx context.Context, inbox string) {
	answer, err := s.ping(ctx, inbox)
	missed := errors.Is(err, errMissed)
	if err != nil && !missed {
		return
	}
	var given []string
	if err == nil && codec.MsgPack.Unmarshal(answer, &given) != nil {
		given = nil // invalid: it says nothing
	}
	for _, conn := range s.endedConnections(inbox, missed, given) {
		s.ended(conn)
	}
}

// endedConnections counts a missed ping or resets the count, and returns the connections that have ended.
func (s *Clients[C]) endedConnections(inbox string, missed bool, given []string) (over []C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byInbox[inbox]
	if c == nil {
		return nil
	}
	if c.missed++; !missed {
		c.missed = 0
	}
	all := c.missed >= missedPings
	if !all && len(given) == 0 {
		return nil
	}
	wanted := make(map[string]bool, len(given))
	for _, id := range given {
		wanted[id] = true
	}
	for conn := range c.connections {
		if all || wanted[s.id(conn)] {
			over = append(over, conn)
		}
	}
	return over
}

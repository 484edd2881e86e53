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

// Clients are the programs that have connections C with actors of a host, by their inboxes. It finds out which programs
// are gone. It is safe for concurrent use.
type Clients[C comparable] struct {
	ping  func(ctx context.Context, inbox string) (answer []byte, err error)
	id    func(C) string // of a connection
	ended func(C)        // is told that a connection is over; again, until it is removed

	mu       sync.Mutex
	byInbox  map[string]*clientEntry[C]
	notEmpty chan struct{} // has something once there is a connection
}

type clientEntry[C comparable] struct {
	connections map[C]struct{}
	missed      int // pings in a row
}

// A client is asked every few seconds whether it is there, once for all its connections. One that has not answered so
// often, because nobody listens to its inbox or nobody says anything, is gone: its actors know within 15 s.
const (
	pingClientsEvery  = 5 * time.Second
	pingClientTimeout = 2 * time.Second
	pingsAtOnce       = 64
	missedPings       = 2
)

// NewClients returns the clients of a host, as yet none. Nothing of one is known when it cannot be pinged because of the
// host itself.
func NewClients[C comparable](p *Presence, id func(C) string, gone func(C)) *Clients[C] {
	ping := func(ctx context.Context, inbox string) ([]byte, error) {
		answer, err := p.Requester.Do(ctx, &nats.Msg{Subject: inbox + "." + wire.PingName}, pingClientTimeout)
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

// Add notes that a client has a connection.
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

// Remove forgets a connection.
func (s *Clients[C]) Remove(inbox string, conn C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byInbox[inbox]; c != nil {
		if delete(c.connections, conn); len(c.connections) == 0 {
			delete(s.byInbox, inbox)
		}
	}
}

// Watch pings the clients until ctx is done, from the first connection on.
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
		_ = pings.Wait() // it has no errors
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

// pingClient asks one client, and tells which of its connections are over: all when it is gone, or those that it has given up.
func (s *Clients[C]) pingClient(ctx context.Context, inbox string) {
	answer, err := s.ping(ctx, inbox)
	missed := errors.Is(err, errMissed)
	if err != nil && !missed {
		return
	}
	var given []string
	if err == nil && codec.MsgPack.Unmarshal(answer, &given) != nil {
		given = nil // junk: nothing is known
	}
	for _, conn := range s.endedConnections(inbox, missed, given) {
		s.ended(conn)
	}
}

// endedConnections notes how a ping has ended and returns the connections that are over.
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

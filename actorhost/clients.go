package actorhost

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

// clients are the programs that have connections with actors of a host, by their inboxes.
type clients struct {
	watching sync.Once

	mu      sync.Mutex
	byInbox map[string]*clientOfHost
}

type clientOfHost struct {
	connections map[*Connection]struct{}
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

func (s *clients) add(h *Host, conn *Connection) {
	s.watching.Do(func() { h.work.Go(h.watchClients) })
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byInbox[conn.inbox]
	if c == nil {
		c = &clientOfHost{connections: make(map[*Connection]struct{}, 1)}
		if s.byInbox == nil {
			s.byInbox = make(map[string]*clientOfHost)
		}
		s.byInbox[conn.inbox] = c
	}
	c.connections[conn] = struct{}{}
}

func (s *clients) remove(conn *Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byInbox[conn.inbox]; c != nil {
		if delete(c.connections, conn); len(c.connections) == 0 {
			delete(s.byInbox, conn.inbox)
		}
	}
}

// watchClients finds out which clients are gone.
func (h *Host) watchClients() {
	tick := time.NewTicker(pingClientsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-h.quit:
			return
		}
		var pings errgroup.Group
		pings.SetLimit(pingsAtOnce)
		for _, inbox := range h.clients.inboxes() {
			pings.Go(func() error { h.pingClient(inbox); return nil })
		}
		_ = pings.Wait() // it has no errors
	}
}

func (s *clients) inboxes() (inboxes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for inbox := range s.byInbox {
		inboxes = append(inboxes, inbox)
	}
	return inboxes
}

// pingClient asks one client, and has its connections end when it is gone, or those that it has given up.
func (h *Host) pingClient(inbox string) {
	answer, err := h.requester.Do(h.ctx, &nats.Msg{Subject: inbox + "." + wire.PingName}, pingClientTimeout)
	missed := errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded)
	if err != nil && (!missed || !h.presence.Session().Valid()) {
		return // it is this host that is not connected
	}
	var given []string
	if err == nil && codec.MsgPack.Unmarshal(answer.Data, &given) != nil {
		given = nil // junk: nothing is known
	}
	for _, conn := range h.clients.gone(inbox, missed, given) {
		if conn.a.offer(&work{kind: leftWork, happening: &happening{connection: conn}}) == first { // a full mailbox is tried again
			h.ready.add(conn.a)
		}
	}
}

// gone notes how a ping has ended and returns the connections that are over.
func (s *clients) gone(inbox string, missed bool, given []string) (over []*Connection) {
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
		if all || wanted[conn.id] {
			over = append(over, conn)
		}
	}
	return over
}

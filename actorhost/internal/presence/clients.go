package presence

import (
	"context"
	"crypto/rand"
	"hash/maphash"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Clients are the programs that have connections C with a host's actors, by inbox. It pings them to find out which are
// gone. It is safe for concurrent use.
type Clients[C comparable] struct {
	p     *Presence
	id    func(C) string // of a connection, as its client knows it
	ended func(C)        // called when a connection has ended, with each ping until it is removed

	mu       sync.Mutex
	seed     maphash.Seed
	shards   [pingShards]shard[C] // by the hash of the inbox
	asked    map[string]*clientEntry[C]
	notEmpty chan struct{} // has an element once there is a connection
}

// shard has the clients that are pinged at the same moment.
type shard[C comparable] struct {
	byInbox    map[string]*clientEntry[C]
	reconnects uint64 // of the host's connection, when they were pinged
}

type clientEntry[C comparable] struct {
	connections map[C]struct{}
	token       string // of the ping that was not answered yet; else empty
	missed      int    // consecutive pings
}

// Each client is pinged once for all its connections, a tenth of them at a time. No ping waits for another, so who does not
// answer delays nobody. A client that misses missedPings in a row, because nobody listens to its inbox or nobody answers, is
// gone. Its actors know within 15 s.
const (
	pingShards  = 10
	pingTick    = 500 * time.Millisecond // pingShards of it are 5 s
	answerTicks = 8                      // how long an answer may take
	missedPings = 2
)

// NewClients returns the clients of a host, none as yet. While the host itself is cut off, failed pings do not count.
func NewClients[C comparable](p *Presence, id func(C) string, gone func(C)) *Clients[C] {
	s := &Clients[C]{
		p: p, id: id, ended: gone, seed: maphash.MakeSeed(), asked: make(map[string]*clientEntry[C]), notEmpty: make(chan struct{}, 1),
	}
	for i := range s.shards {
		s.shards[i].byInbox = make(map[string]*clientEntry[C])
	}
	return s
}

func (s *Clients[C]) shardOf(inbox string) *shard[C] {
	return &s.shards[maphash.String(s.seed, inbox)%pingShards]
}

// Add adds a connection of a client.
func (s *Clients[C]) Add(inbox string, conn C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byInbox := s.shardOf(inbox).byInbox
	c := byInbox[inbox]
	if c == nil {
		c = &clientEntry[C]{connections: make(map[C]struct{}, 1)}
		byInbox[inbox] = c
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
	byInbox := s.shardOf(inbox).byInbox
	if c := byInbox[inbox]; c != nil {
		if delete(c.connections, conn); len(c.connections) == 0 {
			delete(byInbox, inbox)
			delete(s.asked, c.token)
		}
	}
}

// Watch pings the clients until ctx is done. It begins with the first connection. Only an answer has the subject to which a
// ping is to be answered, and nobody can guess that of another client.
func (s *Clients[C]) Watch(ctx context.Context) {
	select {
	case <-s.notEmpty:
	case <-ctx.Done():
		return
	}
	inbox := s.p.Conn.NewInbox() + "."
	sub, err := s.p.Conn.Subscribe(inbox+"*", func(msg *nats.Msg) { s.hear(msg.Subject[len(inbox):], msg) })
	if err != nil {
		return // the connection is closed
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only if the connection is closed
	tick := time.NewTicker(pingTick)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, conn := range s.judge(&s.shards[(n+pingShards-answerTicks)%pingShards]) {
			s.ended(conn)
		}
		for _, ping := range s.ask(&s.shards[n%pingShards], inbox) {
			_ = s.p.Conn.PublishMsg(ping) // without a connection no ping counts
		}
	}
}

// ask returns the pings to the clients of a shard.
func (s *Clients[C]) ask(of *shard[C], inbox string) (pings []*nats.Msg) {
	reconnects := s.p.Conn.Stats().Reconnects
	s.mu.Lock()
	defer s.mu.Unlock()
	of.reconnects = reconnects
	for to, c := range of.byInbox {
		c.token = rand.Text()
		s.asked[c.token] = c
		pings = append(pings, &nats.Msg{Subject: to + "." + wire.PingName, Reply: inbox + c.token})
	}
	return pings
}

// judge counts the pings that a shard has missed, unless the host itself was cut off, and returns the connections of clients that
// are gone.
func (s *Clients[C]) judge(of *shard[C]) (over []C) {
	counts, reconnects := s.p.Session().Valid(), s.p.Conn.Stats().Reconnects
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range of.byInbox {
		if c.token == "" {
			continue
		}
		delete(s.asked, c.token)
		if c.token = ""; !counts || of.reconnects != reconnects {
			continue
		}
		if c.missed++; c.missed >= missedPings {
			for conn := range c.connections {
				over = append(over, conn)
			}
		}
	}
	return over
}

// hear takes the answer to the ping with this token.
func (s *Clients[C]) hear(token string, answer *nats.Msg) {
	if wire.NoResponders(answer) != nil {
		return
	}
	var given []string // connections that the client has given up
	if len(answer.Data) > 0 && codec.MsgPack.Unmarshal(answer.Data, &given) != nil {
		given = nil // invalid: it says nothing
	}
	for _, conn := range s.answered(token, given) {
		s.ended(conn)
	}
}

// answered notes the answer, and returns the connections with these ids.
func (s *Clients[C]) answered(token string, given []string) (over []C) {
	wanted := make(map[string]bool, len(given))
	for _, id := range given {
		wanted[id] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.asked[token]
	if c == nil {
		return nil // it comes late, or is none
	}
	delete(s.asked, token)
	c.token, c.missed = "", 0
	if len(wanted) == 0 {
		return nil
	}
	for conn := range c.connections {
		if wanted[s.id(conn)] {
			over = append(over, conn)
		}
	}
	return over
}

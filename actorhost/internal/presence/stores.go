package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/store"
)

// Who owns an actor is known to one JetStream, but calls cross from one to another, over a leaf node for example. If both
// had hosts of one namespace, every actor would live twice. So hosts tell each other where they keep their actors, and those
// of one store only remain: a host does not start while one of another store is up, and of two that run, those of the store
// that was made later stop. So there are never none left, and restarts change nothing.

const (
	// tellEvery is how many leases pass before a host of a store tells its store again, unless another has: so many hosts tell
	// it no more often than one.
	tellEvery = 3
	// storeTimeout is how long a host that starts waits for hosts of other stores.
	storeTimeout = 100 * time.Millisecond
	// tellBackAfter is the least time between two answers to other stores.
	tellBackAfter = time.Second
)

// foreign is what may fail for long.
const foreign = "another store has hosts of this namespace, which must stop"

// errOtherStore: there are hosts of another store.
var errOtherStore = errors.New("the namespace has hosts in two stores, so every actor would live twice")

// Stores are those in which the hosts of the namespace keep their actors.
type Stores struct {
	config *Config
	own    store.Identity

	mu     sync.Mutex
	heard  time.Time // when a host of this store has told it last
	toldAt time.Time // another store
}

// told is what a host says of its store.
type told struct {
	Host    string    `json:"host"`
	Name    string    `json:"name"`
	Domain  string    `json:"domain"`
	Created time.Time `json:"created"`
}

func (t told) store() store.Identity { return store.Identity{Domain: t.Domain, Created: t.Created} }

// conflict is the error of a host that must not serve.
func (s *Stores) conflict(with told) error {
	why := "the other has its own, for example on a leaf node"
	if s.own.Domain == with.Domain {
		why = "the other has its own, for example on a leaf node, or the streams were deleted while it ran"
	}
	return fmt.Errorf("%w: this host keeps them in %s, the host %s (%s) in %s: %s. Connect all hosts to one JetStream, or give these "+
		"another namespace (docs/topologies.md)", errOtherStore, s.own, with.Name, with.Host, with.store(), why)
}

// AskStores finds out which store this is, and returns an error if a host of another one is up. It returns at once if no
// host is up at all.
func (p *Presence) AskStores(ctx context.Context) (err error) {
	if p.Stores.own, err = p.Records.Identity(ctx); err != nil {
		return err
	}
	reply, err := p.Requester.Do(ctx, &nats.Msg{Subject: p.Namespace.Stores(), Data: p.Stores.say("")}, storeTimeout)
	if err != nil {
		return ctx.Err() // nobody answers
	}
	if with, ok := parseTold(reply.Data); ok {
		return p.Stores.conflict(with)
	}
	return nil
}

// say is what a host says of its store.
func (s *Stores) say(host string) []byte {
	body, _ := codec.MsgPack.Append(nil, told{host, s.config.Name, s.own.Domain, s.own.Created}) // does not fail for these types
	return body
}

func parseTold(body []byte) (t told, ok bool) {
	ok = codec.MsgPack.Unmarshal(body, &t) == nil && !t.Created.IsZero()
	return t, ok
}

// TellStore tells the store of this host to all others, and again whenever nobody has for a while, until ctx is done.
func (p *Presence) TellStore(ctx context.Context) {
	p.tell("")
	for {
		wait := tellEvery*p.Lease + rand.N(p.Lease)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		p.Stores.mu.Lock()
		quiet := time.Since(p.Stores.heard) >= wait
		p.Stores.mu.Unlock()
		if quiet {
			p.tell("")
		}
	}
}

func (p *Presence) tell(reply string) {
	subject := p.Namespace.Stores()
	if reply != "" {
		subject = reply
	}
	_ = p.Conn.Publish(subject, p.Stores.say(p.Session().ID)) // without a connection there is nobody to tell
}

// HeardStore takes what another host says of its store. Answerable says whether the host may reply to it. If this host must
// not serve any more, the error says why.
func (p *Presence) HeardStore(msg *nats.Msg, answerable bool) error {
	with, ok := parseTold(msg.Data)
	if !ok {
		return nil
	}
	s, now := &p.Stores, time.Now()
	other := with.store()
	if s.own.Equal(other) {
		if msg.Reply == "" {
			s.mu.Lock()
			s.heard = now
			s.mu.Unlock()
		}
		return nil
	}
	if msg.Reply != "" { // it starts, and will not
		if answerable {
			p.tell(msg.Reply)
		}
		return nil
	}
	if other.Older(s.own) {
		p.tell("") // so that the log of the other has it too
		return s.conflict(with)
	}
	p.Faults.Failed(foreign, foreign, s.conflict(with), slog.String("host", p.Session().ID))
	s.mu.Lock()
	tell := now.Sub(s.toldAt) >= tellBackAfter
	if tell {
		s.toldAt = now
	}
	s.mu.Unlock()
	if tell {
		p.tell("")
	}
	return nil
}

package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
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
	// tellBackAfter is the least time between two answers to other stores, and between two questions which store this is.
	tellBackAfter = time.Second
)

// foreign is what may fail for long.
const foreign = "another store has hosts of this namespace, which must stop"

// errOtherStore: there are hosts of another store.
var errOtherStore = errors.New("the namespace has hosts in two stores, so every actor would live twice")

// Stores are those in which the hosts of the namespace keep their actors.
type Stores struct {
	config *Config

	mu     sync.Mutex
	own    store.Identity
	asked  time.Time // when JetStream was asked for it: the stream of the records may be another since
	heard  time.Time // when a host of this store has told it last
	toldAt time.Time // another store
	rival  store.Identity
	since  time.Time // when the rival was heard first
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
func conflict(own store.Identity, with told) error {
	return fmt.Errorf("%w: this host keeps them in %s, the host %s (%s) in %s: the other has its own, for example on a leaf node. "+
		"Connect all hosts to one JetStream, or give these another namespace (docs/topologies.md)",
		errOtherStore, own, with.Name, with.Host, with.store())
}

// AskStores finds out which store this is, and returns an error if a host of another one is up. It returns at once if no
// host is up at all.
func (p *Presence) AskStores(ctx context.Context) (err error) {
	own, err := p.ask(ctx)
	if err != nil {
		return err
	}
	reply, err := p.Requester.Do(ctx, &wire.Message{Subject: p.Namespace.Stores(), Data: p.Stores.say("", own)}, storeTimeout)
	if err != nil {
		return ctx.Err() // nobody answers
	}
	if with, ok := parseTold(reply.Data); ok {
		return conflict(own, with)
	}
	return nil
}

// ask asks JetStream for the store, if it has not just answered.
func (p *Presence) ask(ctx context.Context) (store.Identity, error) {
	s := &p.Stores
	s.mu.Lock()
	own, fresh := s.own, time.Since(s.asked) < tellBackAfter
	s.mu.Unlock()
	if fresh {
		return own, nil
	}
	own, err := p.Records.Identity(ctx)
	if err != nil {
		return own, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own, s.asked = own, time.Now()
	return own, nil
}

// forget has the next question asked at once: the stream of the records may be another.
func (s *Stores) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = time.Time{}
}

// say is what a host says of its store.
func (s *Stores) say(host string, own store.Identity) []byte {
	body, _ := codec.MsgPack.Append(nil, told{host, s.config.Name, own.Domain, own.Created}) // does not fail for these types
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
		lease := p.leaseNow()
		wait := tellEvery*lease + rand.N(lease)
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

// tell tells the store as it is now: what was told of one that is no more would stop others.
func (p *Presence) tell(reply string) {
	ctx, cancel := context.WithTimeout(p.Ctx, askTimeout)
	defer cancel()
	own, err := p.ask(ctx)
	if err != nil {
		return // it is told again
	}
	subject := p.Namespace.Stores()
	if reply != "" {
		subject = reply
	}
	_ = p.Conn.Publish(subject, p.Stores.say(p.Session().ID, own)) // without a connection there is nobody to tell
}

// tellIfOther answers a host that starts, if its store is another.
func (p *Presence) tellIfOther(with told, reply string) {
	ctx, cancel := context.WithTimeout(p.Ctx, askTimeout)
	defer cancel()
	if own, err := p.ask(ctx); err == nil && !own.Equal(with.store()) {
		p.tell(reply)
	}
}

// askTimeout bounds a question which store this is.
const askTimeout = time.Second

// HeardStore takes what another host says of its store. Answerable says whether the host may reply to it. If this host must
// not serve any more, displace is called with the reason, on another goroutine.
func (p *Presence) HeardStore(msg *wire.Message, answerable bool, displace func(error)) {
	with, ok := parseTold(msg.Data)
	if !ok {
		return
	}
	s, now := &p.Stores, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own.Equal(with.store()) {
		if msg.Reply == "" {
			s.heard = now
		}
		return
	}
	switch {
	case msg.Reply != "" && !answerable, msg.Reply == "" && now.Sub(s.toldAt) < tellBackAfter:
	case msg.Reply != "": // it starts, and will not, if its store is another indeed
		to := msg.Reply
		p.Go(func() { p.tellIfOther(with, to) })
	default:
		s.toldAt = now
		p.Go(func() { p.compare(with, displace) })
	}
}

// compare finds out whether a store that was told is another than that of this host, and which of them remains.
func (p *Presence) compare(with told, displace func(error)) {
	ctx, cancel := context.WithTimeout(p.Ctx, askTimeout)
	defer cancel()
	own, err := p.ask(ctx)
	if err != nil || own.Equal(with.store()) {
		return
	}
	why := conflict(own, with)
	switch older := with.store().Older(own); {
	case older && p.Stores.stays(with.store()):
		p.tell("") // so that the log of the other has it too
		displace(why)
		return
	case older: // perhaps the other has not noticed yet that its store is no more
		pause.For(p.Ctx, tellBackAfter)
	default:
		p.Faults.Failed(foreign, foreign, why, slog.String("host", p.Session().ID))
	}
	p.tell("") // if there are two stores, the other tells its own again
}

// stays reports whether another store was told long enough ago to be still there.
func (s *Stores) stays(other store.Identity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rival.Equal(other) {
		return time.Since(s.since) >= tellBackAfter
	}
	s.rival, s.since = other, time.Now()
	return false
}

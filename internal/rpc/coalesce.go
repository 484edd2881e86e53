package rpc

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Requests that wait at the same moment, to actors on one host, travel together: to a subject of the host, as a batch. A
// host tells which actors it has by answering several requests at once, and is asked whether it takes batches before it
// gets one: NATS may not let this user publish there. A request that is sent again always goes alone.

// For how long an actor is taken to be where it was, how long a host is given to say that it takes batches, and how many
// hosts and actors are remembered.
const knownFor, askFor, maxKnownHosts, maxKnown = time.Second, 5 * time.Second, 1024, 1 << 16

// host is a host as those see it who call its actors.
type host struct {
	batches string // the subject where it takes them
	takes   bool   // if it does
}

// Coalesce has requests whose receivers are actors of the namespace travel together.
func (r *Requester) Coalesce(ns wire.Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = ns.Batch
	r.calls = NewBatcher(r.nc, BatcherConfig{
		Subject: func(to string) string { return to },
		Inbox:   wire.BatchReply(r.name),
		Failed:  func(_ string, number uint64, err error) { r.notSent(number, err) },
	})
}

// coalesce tells with whom a request may travel: without a host, alone. The caller holds r.mu.
func (r *Requester) coalesce(l *inflight, now time.Time) (*Batcher, *host) {
	if r.calls == nil || l.host == nil || len(r.waiting) == 1 || !l.host.takes || now.Sub(l.told) > knownFor {
		return nil, nil
	}
	return r.calls, l.host
}

// host finds a host that has answered by its id.
func (r *Requester) host(id string) *host {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hosts[id]
	if h == nil && r.calls != nil {
		if len(r.hosts) >= maxKnownHosts {
			clear(r.hosts)
		}
		id = strings.Clone(id)
		h = &host{batches: r.batches(id)}
		r.hosts[id] = h
		go r.ask(id, h)
	}
	return h
}

// ask finds out whether a host takes batches. It ends when the Requester is closed.
func (r *Requester) ask(id string, h *host) {
	reply, err := r.Do(context.Background(), &nats.Msg{Subject: h.batches}, askFor)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		h.takes = wire.DecodeError(reply) == nil
	case errors.Is(err, troupe.ErrDenied):
		r.calls = nil
	default:
		delete(r.hosts, id) // ask again
	}
}

// forget is for a receiver that may be elsewhere.
func (r *Requester) forget(q *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.inflight != nil {
		q.inflight.host = nil
	}
}

// notSent tells the requests of a batch that it has not arrived.
func (r *Requester) notSent(number uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.waiting {
		if q.batch.Load() == number {
			q.take(reply{err: err})
			q.inflight.host = nil
		}
	}
}

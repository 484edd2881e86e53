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
const hostKnownFor, askTimeout, maxHosts, maxReceivers = time.Second, 5 * time.Second, 1024, 1 << 16

// host is a host as those see it who call its actors.
type host struct {
	batchSubject string // the subject where it takes them
	takesBatches bool   // if it does
}

// Coalesce has requests whose receivers are actors of the namespace travel together.
func (r *Requester) Coalesce(ns wire.Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batchSubject = ns.Batch
	r.batcher = NewBatcher(r.nc, BatcherConfig{
		Subject: func(to string) string { return to },
		Inbox:   wire.BatchReply(r.name),
		Failed:  func(_ string, number uint64, err error) { r.failBatch(number, err) },
	})
}

// coalesce tells with whom a request may travel: without a host, alone. The caller holds r.mu.
func (r *Requester) coalesce(l *inflight, now time.Time) (*Batcher, *host) {
	if r.batcher == nil || l.host == nil || len(r.waiting) == 1 || !l.host.takesBatches || now.Sub(l.hostSeen) > hostKnownFor {
		return nil, nil
	}
	return r.batcher, l.host
}

// host finds a host that has answered by its id.
func (r *Requester) host(id string) *host {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hosts[id]
	if h == nil && r.batcher != nil {
		if len(r.hosts) >= maxHosts {
			clear(r.hosts)
		}
		id = strings.Clone(id)
		h = &host{batchSubject: r.batchSubject(id)}
		r.hosts[id] = h
		go r.askForBatches(id, h)
	}
	return h
}

// askForBatches finds out whether a host takes batches. It ends when the Requester is closed.
func (r *Requester) askForBatches(id string, h *host) {
	reply, err := r.Do(context.Background(), &nats.Msg{Subject: h.batchSubject}, askTimeout)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		h.takesBatches = wire.DecodeError(reply) == nil
	case errors.Is(err, troupe.ErrDenied):
		r.batcher = nil
	default:
		delete(r.hosts, id) // ask again
	}
}

// forgetHost is for a receiver that may be elsewhere.
func (r *Requester) forgetHost(q *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.inflight != nil {
		q.inflight.host = nil
	}
}

// failBatch tells the requests of a batch that it has not arrived.
func (r *Requester) failBatch(number uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.waiting {
		if q.batch.Load() == number {
			q.offer(reply{err: err})
			q.inflight.host = nil
		}
	}
}

package rpc

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// Requests to actors on one host that wait at the same moment travel together, as a batch on a subject of the host. The
// Requester learns which host has an actor from batches of replies. Before it sends a host the first batch it asks
// whether the host takes batches, because NATS may not let this user publish there, or may map the subject, but not those
// within a batch. A request that is resent always travels alone.

// How long an actor is assumed to stay on a host, how long a host may take to say that it takes batches, and how many
// hosts and receivers are remembered.
const hostKnownFor, askTimeout, maxHosts, maxReceivers = time.Second, 5 * time.Second, 1024, 1 << 16

// host is a host from the view of its callers.
type host struct {
	batchSubject string // where it takes batches
	takesBatches bool   // false until it has said so
}

// Coalesce lets requests travel together. From then on their receivers must be actors of the namespace.
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

// coalesce returns the batcher and the host that a new request may travel with; no host means that it travels alone.
// The caller holds r.mu.
func (r *Requester) coalesce(l *inflight, now time.Time) (*Batcher, *host) {
	if len(r.waiting) == 1 || !r.knows(l, now) {
		return nil, nil
	}
	return r.batcher, l.host
}

// knows reports whether a host that takes batches has just said that it has a receiver. The caller holds r.mu.
func (r *Requester) knows(l *inflight, now time.Time) bool {
	return r.batcher != nil && l != nil && l.host != nil && l.host.takesBatches && now.Sub(l.hostSeen) <= hostKnownFor
}

// host returns a host by its id. Of a new one it asks whether it takes batches.
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

// askForBatches asks a host whether it takes batches. It ends at the latest when the Requester is closed.
func (r *Requester) askForBatches(id string, h *host) {
	reply, err := r.Do(context.Background(), &wire.Message{Subject: h.batchSubject}, askTimeout)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		h.takesBatches = wire.DecodeError(reply) == nil && string(reply.Data) == h.batchSubject
	case errors.Is(err, troupe.ErrDenied):
		r.batcher = nil
	default:
		delete(r.hosts, id) // ask again later
	}
}

// forgetHost forgets on which host the receiver of a request is: it may have moved.
func (r *Requester) forgetHost(q *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.inflight != nil {
		q.inflight.host = nil
	}
}

// failBatch fails the requests of a batch that did not arrive.
func (r *Requester) failBatch(number uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.waiting {
		if q.batch.Load() == number {
			q.offer(reply{err: link.Reason(r.nc, err)})
			q.inflight.host = nil
		}
	}
}

package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// HostEntry is the lease of one host. It exists as long as the host renews it.
type HostEntry struct {
	ID       string    `json:"id"` // random, new at each start
	Name     string    `json:"name,omitempty"`
	Types    []string  `json:"types"`
	More     int       `json:"more,omitempty"`     // types that Types has no room for
	Program  string    `json:"program,omitempty"`  // the same for hosts whose programs take the same calls and events
	Features []string  `json:"features,omitempty"` // see record.Features
	Started  time.Time `json:"started"`
}

// maxTypes is how many bytes of types a lease names. It is written all the time.
const maxTypes = 4 << 10

// SetTypes names the types of actors that the host runs, as far as there is room.
func (h *HostEntry) SetTypes(types []string) {
	size := 0
	for i, name := range types {
		if size += len(name) + 1; size > maxTypes {
			h.Types, h.More = types[:i], len(types)-i
			return
		}
	}
	h.Types = types
}

// MayRun reports whether the host runs actors of a type, as far as the lease tells.
func (h *HostEntry) MayRun(actorType string) bool {
	return h.More > 0 || slices.Contains(h.Types, actorType)
}

// Hosts is the bucket with the leases of the hosts of a namespace.
type Hosts struct {
	bucket *bucket
	server string                 // the only one with JetStream; empty on a cluster
	own    atomic.Pointer[string] // the host that has renewed its lease by this
}

// releasedTTL is how long the server remembers a lease that was given back or has run out.
const releasedTTL = time.Minute

var leaseBucket = bucketKind{
	purpose: forHosts, suffix: "hosts", description: "One lease for each host that is up", deletedTTL: releasedTTL,
}

// OpenHosts opens the leases of a namespace, and creates their bucket if there is none. See [OpenRecords].
func OpenHosts(ctx context.Context, nc *nats.Conn, ns wire.Namespace, s Settings) (*Hosts, error) {
	bucket, err := leaseBucket.open(ctx, nc, ns, s, s.MaxBytes.Hosts)
	if err != nil {
		return nil, err
	}
	h := &Hosts{bucket: bucket}
	if s.Cluster || nc.ConnectedClusterName() == "" {
		return h, nil
	}
	info, err := bucket.stream.Info(ctx) // the reply to the creation of a stream does not name the server
	if err != nil {
		return nil, fmt.Errorf("asking for the server with the leases: %w", err)
	}
	if info.Cluster != nil {
		h.server = info.Cluster.Leader
	}
	return h, nil
}

// OnOneServer reports whether there is one server only between the hosts of the namespace, that of this connection. Then
// whoever it does not know is gone.
func (h *Hosts) OnOneServer() bool {
	nc := h.bucket.js.Conn()
	return nc.ConnectedClusterName() == "" || h.server != "" && h.server == nc.ConnectedServerName()
}

// FindHosts opens the leases of a namespace, if they exist. See [FindRecords].
func FindHosts(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (*Hosts, error) {
	bucket, err := leaseBucket.find(ctx, nc, ns)
	if err != nil || bucket == nil {
		return nil, err
	}
	return &Hosts{bucket: bucket}, nil
}

// Check is [Records.Check] for the leases.
func (h *Hosts) Check(ctx context.Context) (*Replaced, error) { return h.bucket.check(ctx) }

// overdueAfter is how much later than a lease another was written, by the server's clock, if the server has forgotten to end
// the one when its TTL was over. NATS servers that were killed were seen to.
const overdueAfter = time.Hour

// Renew writes a host's lease, which then lasts for ttl (whole seconds of the server's clock). Expected is the revision
// from the last Renew, zero for a new lease. It returns the new revision. The error is [ErrConflict] when the lease has
// run out or was revoked, and [ErrOutcomeUnknown] when the write was not acknowledged.
func (h *Hosts) Renew(ctx context.Context, entry HostEntry, expected uint64, ttl time.Duration) (uint64, error) {
	value, err := codec.MsgPack.Append(nil, entry)
	if err != nil {
		return 0, fmt.Errorf("encoding the lease of %s: %w", entry.ID, err)
	}
	h.own.Store(&entry.ID)
	return h.bucket.put(ctx, entry.ID, value, expected, ttl)
}

// Revision returns the revision of a host's lease. Up is false if there is no lease, or one that is long over: the host is
// not up.
func (h *Hosts) Revision(ctx context.Context, host string) (revision uint64, up bool, err error) {
	lease, err := h.bucket.last(ctx, h.bucket.prefix+host)
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("reading the lease of %s: %w", host, err)
	case lease == nil:
		return 0, false, nil
	case isDeletion(lease.Header):
		return lease.Sequence, false, nil
	}
	own := h.own.Load()
	if own == nil || *own == host || time.Since(lease.Time) < overdueAfter {
		return lease.Sequence, true, nil
	}
	mine, err := h.bucket.last(ctx, h.bucket.prefix+*own)
	over := err == nil && mine != nil && mine.Time.Sub(lease.Time) > overdueAfter
	return lease.Sequence, !over, err
}

// Revoke deletes a host's lease. The host itself does so when it stops cleanly, another host when it has proof that the
// host is gone.
func (h *Hosts) Revoke(ctx context.Context, host string, revision uint64) error {
	return h.bucket.remove(ctx, host, revision, releasedTTL)
}

// Count returns how many hosts are up, with those that have stopped within the last minute.
func (h *Hosts) Count(ctx context.Context) (uint64, error) {
	ctx, wait := h.bucket.reading(ctx, askInfo)
	stream, err := h.bucket.js.Stream(ctx, h.bucket.name())
	if err = wait.End(err); err != nil {
		return 0, fmt.Errorf("counting the leases: %w", err)
	}
	return stream.CachedInfo().State.NumSubjects, nil
}

// All returns the hosts that are up at this moment, by one request if there are not too many.
func (h *Hosts) All(ctx context.Context) ([]HostEntry, error) {
	leases, err := h.bucket.find(ctx, ">")
	if err != nil {
		return nil, fmt.Errorf("reading the leases: %w", err)
	}
	return live(leases)
}

// List is All by way of the stream's leader: it fails if there is none, and in a cluster it misses nothing.
func (h *Hosts) List(ctx context.Context) ([]HostEntry, error) {
	newest := make(map[string]entry) // one that is renewed meanwhile may come again
	for lease, err := range h.bucket.list(ctx, ">") {
		if err != nil {
			return nil, err
		}
		newest[lease.key] = lease
	}
	return live(slices.Collect(maps.Values(newest)))
}

// live decodes the leases that are not over.
func live(leases []entry) ([]HostEntry, error) {
	var newest time.Time
	for _, lease := range leases {
		if lease.created.After(newest) {
			newest = lease.created
		}
	}
	hosts := make([]HostEntry, 0, len(leases))
	for _, lease := range leases {
		if newest.Sub(lease.created) > overdueAfter {
			continue
		}
		var host HostEntry
		if err := codec.MsgPack.Unmarshal(lease.value, &host); err != nil {
			return nil, fmt.Errorf("decoding the lease %s: %w", lease.key, err)
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

// NewTroubles returns the Troubles of a namespace, for [Settings].
func NewTroubles(nc *nats.Conn, ns wire.Namespace) *Troubles {
	t := &Troubles{nc: nc}
	for _, prefix := range []string{ns.Name() + ".journal.", "$KV." + leaseBucket.name(ns) + "."} {
		t.asked = append(t.asked, prefix+nobody)
	}
	return t
}

package presence

import (
	"context"
	"time"
)

const (
	// leasePerHost is the least lease for each host that is up, so that all of them together renew some 24 leases a second.
	leasePerHost = time.Second / 8
	// countEvery is how often a host counts the others.
	countEvery = time.Minute
)

// adaptLease has the lease last as long as many hosts can renew theirs.
func (p *Presence) adaptLease(ctx context.Context) {
	if !p.LeaseGrows || !p.counted.IsZero() && time.Since(p.counted) < countEvery {
		return
	}
	p.counted = time.Now()
	hosts, err := p.Leases.Count(ctx)
	if err != nil {
		return // as before, until the next time
	}
	p.lease.Store(int64(max(p.Lease, (time.Duration(hosts)*leasePerHost + time.Second - 1).Truncate(time.Second))))
}

// leaseNow is how long the lease lasts that is written next.
func (p *Presence) leaseNow() time.Duration { return max(p.Lease, time.Duration(p.lease.Load())) }

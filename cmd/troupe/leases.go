package main

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/internal/store"
)

// findLeases opens the leases of the namespace, or returns nil if no host has run yet.
func (c connection) findLeases(ctx context.Context) (*store.Hosts, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return store.FindHosts(ctx, c.nc, c.namespace)
}

// hostsUp returns the hosts that have a lease, by id.
func (c connection) hostsUp(ctx context.Context) (map[string]store.HostEntry, error) {
	leases, err := c.findLeases(ctx)
	if err != nil || leases == nil {
		return nil, err
	}
	all, err := leases.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the hosts: %w", err)
	}
	hosts := make(map[string]store.HostEntry, len(all))
	for _, host := range all {
		hosts[host.ID] = host
	}
	return hosts, nil
}

// leasePoll is the pause between two checks of a lease.
const leasePoll = 50 * time.Millisecond

// awaitEnd waits until a host has no lease.
func awaitEnd(ctx context.Context, leases *store.Hosts, host string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	look := time.NewTicker(leasePoll)
	defer look.Stop()
	for {
		_, up, err := leases.Revision(ctx, host)
		switch {
		case err == nil && !up:
			return nil
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("waiting for the host %s: %w", host, err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the host %s: %w", host, ctx.Err())
		}
	}
}

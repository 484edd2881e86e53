package look

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// LongRun is for how long something runs that is worth telling.
const LongRun = time.Second

// Host is a host, and what it says about itself.
type Host struct {
	store.HostEntry
	Err     error // it does not reply, or must not be asked: the fields below are empty
	Figures wire.HostFigures
	Running wire.AwakePage // what has run for [LongRun], the longest first
	Recent  wire.HostRecent
}

// Up returns the hosts that have a lease, by name. There are none if no host has run yet.
func (l *Looker) Up(ctx context.Context) ([]Host, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	leases, err := store.FindHosts(ctx, l.nc, l.namespace)
	if err != nil || leases == nil {
		return nil, err
	}
	all, err := leases.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the hosts: %w", err)
	}
	hosts := make([]Host, 0, len(all))
	for _, entry := range all {
		hosts = append(hosts, Host{HostEntry: entry})
	}
	slices.SortFunc(hosts, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
	})
	return hosts, nil
}

// Hosts returns the hosts that are up with their figures, and up to most of the turns of each that have run for long.
func (l *Looker) Hosts(ctx context.Context, most int) ([]Host, error) {
	longer := LongRun.Milliseconds()
	query, err := json.Marshal(wire.AwakeQuery{Longer: &longer, Limit: most})
	if err != nil {
		return nil, err
	}
	hosts, err := l.Up(ctx)
	if err != nil {
		return nil, err
	}
	Each(hosts, func(h *Host) {
		h.Err = l.Ask(ctx, l.namespace.Figures(h.ID), nil, &h.Figures)
		if oldest := h.Figures.Oldest; h.Err == nil && oldest != nil && oldest.For >= longer {
			h.Err = l.Ask(ctx, l.namespace.Awake(h.ID), query, &h.Running)
		}
	})
	return hosts, ctx.Err()
}

// Recent asks hosts for the turns that have failed and that were slow lately. It leaves out those that did not reply before.
func (l *Looker) Recent(ctx context.Context, hosts []Host) {
	Each(hosts, func(h *Host) {
		if h.Err == nil {
			h.Err = l.Ask(ctx, l.namespace.Recent(h.ID), nil, &h.Recent)
		}
	})
}

// TypesOf are the actor types that hosts serve, sorted.
func TypesOf(hosts []Host) []string {
	var types []string
	for i := range hosts {
		types = append(types, hosts[i].Types...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

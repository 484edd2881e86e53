// Package travel moves the time by which actors run what they have scheduled, so that tests need not wait for it.
package travel

import (
	"context"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// Clock is that time, for the hosts of one test. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	ahead  time.Duration // of the server's clock
	stands time.Time     // zero: it runs
	hosts  map[Host]struct{}
}

// Host is a host that goes by the clock. It must not call the clock's methods from these.
type Host interface {
	// RunsType reports whether it is up and runs actors of a type.
	RunsType(ns wire.Namespace, actorType string) bool
	// NextDue returns which of its actors that are awake has something due next.
	NextDue() (ns wire.Namespace, tokens string, at time.Time, ok bool)
	// Works reports whether a workflow goes on at it, and may soon wait for a time.
	Works() bool
	// Travel tells it that the clock is about to move, or has moved.
	Travel(ctx context.Context) error
}

type key struct{}

// With has a host that is started with the context go by the clock.
func With(ctx context.Context, c *Clock) context.Context { return context.WithValue(ctx, key{}, c) }

// Of returns the clock of a host that is started with the context, or nil.
func Of(ctx context.Context) *Clock {
	c, _ := ctx.Value(key{}).(*Clock)
	return c
}

// Now is the time by the clock, when the server has this one.
func (c *Clock) Now(server time.Time) time.Time {
	if c == nil {
		return server
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stands.IsZero() {
		return c.stands
	}
	return server.Add(c.ahead)
}

// Stop has the clock stand at a time.
func (c *Clock) Stop(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stands = at
}

// Run has the clock go on, when the server has this time.
func (c *Clock) Run(server time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.stands = c.stands.Sub(server), time.Time{}
}

// Join adds a host. A nil clock has none.
func (c *Clock) Join(h Host) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hosts == nil {
		c.hosts = make(map[Host]struct{})
	}
	c.hosts[h] = struct{}{}
}

// Hosts returns the hosts that go by the clock.
func (c *Clock) Hosts() []Host {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Host, 0, len(c.hosts))
	for h := range c.hosts {
		all = append(all, h)
	}
	return all
}

package tenants

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
)

// How much a tenant stores, one host counts now and then for all: see [Counter]. What this host has stored since, it adds itself.

// growth is what a tenant stores. It is safe for concurrent use.
type growth struct {
	counted atomic.Int64 // as of the last count
	since   atomic.Int64 // what this host has stored since

	mu    sync.Mutex
	parts []grown // of since, the oldest first
}

// grown is what was stored from one moment until another, or less than stepLasts after it.
type grown struct {
	until time.Time
	bytes int64
}

// A growth has maxSteps parts at most, of stepLasts at least.
const (
	maxSteps  = 32
	stepLasts = 5 * time.Second
)

func (g *growth) stored() int64 { return max(0, g.counted.Load()+g.since.Load()) }

// any reports whether anything was stored since the last count.
func (g *growth) any() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.parts) > 0
}

func (g *growth) add(bytes int64, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since.Add(bytes)
	if n := len(g.parts); n > 0 && now.Before(g.parts[n-1].until) {
		g.parts[n-1].bytes += bytes
		return
	}
	if len(g.parts) == maxSteps { // the two oldest become one, which counts as new for longer
		g.parts[1].bytes += g.parts[0].bytes
		g.parts = slices.Delete(g.parts, 0, 1)
	}
	g.parts = append(g.parts, grown{now.Add(stepLasts), bytes})
}

// count takes a count, which has all that was stored before a moment.
func (g *growth) count(bytes int64, before time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counted.Store(bytes)
	for len(g.parts) > 0 && !g.parts[0].until.After(before) {
		g.since.Add(-g.parts[0].bytes)
		g.parts = slices.Delete(g.parts, 0, 1)
	}
}

// Grow is told that the tenant stores so many bytes more, or less.
func (t *Tenant) Grow(bytes int64) {
	if t != nil && bytes != 0 && t.all.limits.Stored > 0 {
		t.grown.add(bytes, time.Now())
	}
}

// Store asks whether the tenant may store so many bytes more.
func (t *Tenant) Store(more int64) *troupe.Error {
	if t == nil || more <= 0 || t.all.limits.Stored == 0 {
		return nil
	}
	if stored := t.grown.stored(); stored+more > t.all.limits.Stored {
		return t.refuse("about %d bytes stored and wants %d more, of %d at most (Tenants.Stored)", stored, more, t.all.limits.Stored)
	}
	return nil
}

// count takes a count that has all that was stored before a moment.
func (t *Tenants) count(stored map[string]int64, before time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stored = stored
	for name, one := range t.byName {
		one.grown.count(stored[name], before)
	}
}

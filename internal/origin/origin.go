// Package origin says in the context of a call where the call comes from, so that a client which many actors share
// knows on whose behalf it calls.
package origin

import (
	"context"
	"sync/atomic"
	"time"
)

// Origin is where a call comes from. The zero Origin is a program.
type Origin struct {
	Chain string // the actors that wait for the call's answer, as its header lists them
	Host  *Host  // of the actor that calls
}

type key struct{}

// originContext is one allocation instead of two, for each call of an actor.
type originContext struct {
	context.Context //nolint:containedctx // it is one

	origin Origin
}

func (c *originContext) Value(k any) any {
	if k == (key{}) {
		return &c.origin
	}
	return c.Context.Value(k)
}

// With returns the context for a call that comes from o.
func With(ctx context.Context, o Origin) context.Context { return &originContext{ctx, o} }

// Of returns where a call with this context comes from.
func Of(ctx context.Context) Origin {
	if o, ok := ctx.Value(key{}).(*Origin); ok {
		return *o
	}
	return Origin{}
}

// Host is what the calls of a host need to know of it.
type Host struct{ leaving atomic.Pointer[time.Time] }

// Leave notes that the host begins to stop.
func (h *Host) Leave() {
	now := time.Now()
	h.leaving.CompareAndSwap(nil, &now)
}

// LeavingFor reports whether the host has begun to stop at least so long ago. A nil host never does.
func (h *Host) LeavingFor(d time.Duration) bool {
	if h == nil {
		return false
	}
	since := h.leaving.Load()
	return since != nil && time.Since(*since) >= d
}

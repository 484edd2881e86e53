// Package figures counts what a host does: calls and their errors, how long things take, and what has gone wrong lately.
package figures

import (
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// Histogram counts durations in the buckets of a [wire.Spread]. It is safe for concurrent use, and takes no lock. It has memory,
// 1 KB, once it has counted something.
type Histogram struct{ counts atomic.Pointer[counts] }

type counts struct {
	sum     atomic.Int64
	buckets [wire.SpreadBuckets]atomic.Int64
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	c := h.counts.Load()
	if c == nil {
		h.counts.CompareAndSwap(nil, new(counts))
		c = h.counts.Load()
	}
	c.sum.Add(int64(d))
	c.buckets[wire.BucketOf(d)].Add(1)
}

// Sum is that of all durations.
func (h *Histogram) Sum() time.Duration {
	c := h.counts.Load()
	if c == nil {
		return 0
	}
	return time.Duration(c.sum.Load())
}

// Spread is what has been counted.
func (h *Histogram) Spread() wire.Spread {
	c := h.counts.Load()
	if c == nil {
		return wire.Spread{}
	}
	var all [wire.SpreadBuckets]int64
	for i := range all {
		all[i] = c.buckets[i].Load()
	}
	return wire.SpreadOf(&all, time.Duration(c.sum.Load()))
}

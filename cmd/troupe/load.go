package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// load is a number of calls, or a time to spend on calls, with so many in flight.
type load struct {
	inFlight int
	calls    int // 0: as many as there is time for
	time     time.Duration
	done     *atomic.Int64 // counts the calls of all loads
}

// run makes the calls of a load. Do gets the number of the call, from 0. Calls that an interrupt has ended are not
// counted.
func (l load) run(ctx context.Context, t *tally, do func(ctx context.Context, call int) error) {
	began := time.Now()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range l.inFlight {
		workers.Go(func() {
			for ctx.Err() == nil {
				call := int(next.Add(1)) - 1
				start := time.Now()
				if l.calls > 0 && call >= l.calls || l.calls == 0 && start.Sub(began) >= l.time {
					return
				}
				err := do(ctx, call)
				if ctx.Err() != nil {
					return
				}
				t.add(time.Since(start), err)
				l.done.Add(1)
			}
		})
	}
	workers.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took += time.Since(began)
}

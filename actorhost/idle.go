package actorhost

import (
	"context"
	"runtime"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
)

// After restAfter without a call an actor is at rest: it keeps its state, but drops the encoding of it, which is as
// large, until the next call. After the SleepAfter of its type it falls asleep. A timer for each actor would take
// memory, and reading the clock would slow every call. So the host sweeps over all actors instead, and notes which were
// not called since the last sweep.
const restAfter = 4 * time.Second

// checkIdle puts an actor to rest, or to sleep, if it was idle for long enough. It reports whether the caller must add
// the activation to the pool.
func (a *activation) checkIdle(now time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running || a.closed || !a.awake || a.readers.Len() > 0 || a.snapshotReads.busy() {
		return false
	}
	if a.used {
		a.used, a.idleSince = false, now
	}
	idle := now - a.idleSince
	if idle >= restAfter {
		a.current = nil
		a.gate.DropCaches()
		a.snapshotReads.rest()
	}
	if idle < a.kind.config.SleepAfter || a.connections.len() > 0 || a.worksBeside() {
		return false
	}
	a.push(work{kind: sleepWork})
	a.running = true
	return true
}

// There are sweepsPerRest sweeps in the time after which an actor rests or sleeps, but fewer if they would take more
// than one part in sweepShare of a processor's time. A sweep lets others proceed after every sweepStep actors.
const sweepsPerRest, sweepShare, sweepStep = 16, 50, 256

// sweepIdle sweeps until ctx is done.
func (r *roster) sweepIdle(ctx context.Context) {
	every := restAfter
	for _, t := range r.types {
		every = min(every, t.config.SleepAfter)
	}
	every = max(every/sweepsPerRest, time.Millisecond)
	for wait := every; pause.For(ctx, wait); {
		began := time.Now()
		r.sweepOnce()
		wait = max(every, sweepShare*time.Since(began))
	}
}

func (r *roster) sweepOnce() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, seen := r.clock.Now(), 0
	r.left.forget(now)
	r.setbacks.forgetOld()
	for _, a := range r.active { // may change while the lock is released
		if a.checkIdle(now) {
			r.ready.Add(a)
		}
		if seen++; seen%sweepStep == 0 {
			r.mu.Unlock()
			runtime.Gosched()
			r.mu.Lock()
		}
	}
}

package actorhost

import (
	"context"
	"runtime"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
)

// In the time after which an actor rests, or sleeps, there are so many rounds, but they take at most one part in
// roundShare of the time of a processor. What they hold up is let go on after every roundStep actors.
const sweepsPerRest, sweepShare, sweepStep = 16, 50, 256

// sweepIdle goes round until ctx is done.
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
	for _, a := range r.active { // which may change meanwhile
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

package actorhost

import (
	"context"
	"runtime"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
)

// An actor that nobody calls is at rest after restAfter: it keeps its state, but not the encoding of it, which is as
// large, until it is called again. After the time of its type it falls asleep. A timer for each would take memory, and a
// look at the clock time in every call, so the host goes round instead, and finds that an actor was not called since it
// last came by.
const restAfter = 4 * time.Second

// checkIdle puts an actor to rest, or to sleep, that has been idle for long enough. It reports whether the caller must have
// it worked off.
func (a *activation) checkIdle(now time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running || a.closed || !a.awake {
		return false
	}
	if a.used {
		a.used, a.idleSince = false, now
	}
	idle := now - a.idleSince
	if idle >= restAfter {
		a.current = nil
		a.gate.DropCaches()
	}
	if idle < a.kind.config.SleepAfter || a.connections.len() > 0 {
		return false
	}
	a.mailbox.Push(a.host.mailboxes, work{kind: sleepWork})
	a.running = true
	return true
}

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

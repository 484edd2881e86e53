package actorhost

import (
	"context"
	"sync/atomic"
	"time"
)

// A host that stops gives the steps of workflows that run the time that it gives turns. Until then their actors stay: they take calls, and
// store what the steps give. No other step begins.

// stopping is how far the host is with that.
type stopping struct {
	begun atomic.Bool
	cut   atomic.Bool // the time is over
}

// cutBefore is how long before the end of the grace steps are cut off, so that they go on elsewhere before the host is gone.
const cutBefore = 2 * besideGrace

// begin is called when the host begins to stop. When the time is over, cut is called, unless done is before.
func (s *stopping) begin(ctx context.Context, grace time.Duration, cut func()) (done func() bool) {
	s.begun.Store(true)
	if deadline, ok := ctx.Deadline(); ok {
		grace = min(grace, time.Until(deadline))
	}
	return time.AfterFunc(max(grace-cutBefore, grace/2), func() {
		s.cut.Store(true)
		cut()
	}).Stop
}

// awaitsStep reports whether the actor must not end yet, because a step of its workflow runs. It is to end when that has ended.
func (a *activation) awaitsStep() bool {
	if a.flow == nil || !a.host.stops.begun.Load() || a.host.stops.cut.Load() {
		return false
	}
	a.flow.last.Store(true)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending == stopWork {
		a.ending = 0
	}
	return true
}

// flowGoesOn reports whether the workflow is to go on elsewhere, though no pass of it was cut off.
func (a *activation) flowGoesOn() bool {
	return a.host.stops.begun.Load() && a.awake && a.workflowRuns()
}

package actorhost

import (
	"context"
	"sync/atomic"
	"time"
)

// stopping is how far the host is with that.
type stopping struct {
	begun atomic.Bool
	cut   atomic.Bool // the time is over
}

// cutBefore is how long before the end of the grace steps are cut off, so that they go on elsewhere before the host is gone.
const cutBefore = 2 * time.Second

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

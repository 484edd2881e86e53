package actorhost

import (
	"log/slog"
	"time"
)

// openSnapshotReads lets them begin, once the actor is awake.
func (a *activation) openSnapshotReads() {
	if a.snapshotReads == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.snapshotReads.open = a.borrowed == nil
}

// snapshotReadOver is told that a read beside the turns is answered.
func (a *activation) snapshotReadOver(goroutine uint64, exits bool) {
	a.host.snapshotReads.Add(-1)
	s := a.snapshotReads
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used = true
	a.readers.EndBeside(goroutine)
	if exits {
		a.readers.Exit()
	}
	if s.count--; s.count == 0 && s.over != nil {
		close(s.over)
		s.over = nil
	}
}

// endSnapshotReads lets no more begin, and waits for those that run, as long as an action may take and a little.
func (a *activation) endSnapshotReads() {
	s := a.snapshotReads
	if s == nil {
		return
	}
	a.mu.Lock()
	s.open = false
	if s.count > 0 && s.over == nil {
		s.over = make(chan struct{})
	}
	over := s.over
	a.mu.Unlock()
	if over == nil {
		return
	}
	timer := time.NewTimer(a.kind.config.ActionTimeout + besideGrace)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
		a.mu.Lock()
		s.left = true
		a.mu.Unlock()
		a.logger("").Warn("a read beside the turns of an actor goes on though its time is over: it is not answered",
			slog.Duration("after", a.kind.config.ActionTimeout+besideGrace))
	}
}

// hasLeft reports whether the actor may have left the host, so that what a read has seen is nobody's.
func (a *activation) hasLeft() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.snapshotReads.left
}

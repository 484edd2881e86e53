package actorhost

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/readers"
)

// Some read-only actions do not wait for the turns of their actor. While one runs, or something that is not read-only waits, they read
// the state that was stored last: a copy of it, on a goroutine of their own, with no part in the mailbox.

// maxSnapshotReads is how many such reads a host has at a time, besides those of one actor, which are [readers.Most].
const maxSnapshotReads = 4096

// snapshotReads are the reads beside the turns of an activation. A nil one has none.
type snapshotReads struct {
	// The activation's mutex guards these.
	open    bool          // they may begin
	turns   bool          // what has left the mailbox last is not read-only
	writers int           // what waits in the mailbox and is not read-only
	waiting []work        // for a goroutine
	count   int           // of those that wait for one, and of those that run
	over    chan struct{} // closed when there are none; nil until somebody waits for that
	left    bool          // nobody waits for them any more

	copying sync.Mutex // held while a copy is made
	of      *commit.Snapshot
	copied  state
}

// busy reports whether there are any. The caller holds the activation's mutex.
func (s *snapshotReads) busy() bool { return s != nil && s.count > 0 }

// queued is told of what is put into the mailbox.
func (s *snapshotReads) queued(w *work) {
	if s != nil && !w.reads {
		s.writers++
	}
}

// unqueued is told of what has left the mailbox.
func (s *snapshotReads) unqueued(w *work) {
	if s != nil && !w.reads {
		s.writers--
	}
}

// goesOn is told what the goroutine of the turns does next, if it does anything.
func (s *snapshotReads) goesOn(w *work, does bool) {
	if s != nil {
		s.turns = does && !w.reads
	}
}

// find returns the call with a name that waits for a goroutine, or nil.
func (s *snapshotReads) find(name callName) *work {
	if s == nil {
		return nil
	}
	if i := slices.IndexFunc(s.waiting, func(w work) bool { return nameOf(w.ID) == name }); i >= 0 {
		return &s.waiting[i]
	}
	return nil
}

// rest drops the copy of the state. The caller holds the activation's mutex, and there are no reads.
func (s *snapshotReads) rest() {
	if s != nil {
		s.copying.Lock()
		defer s.copying.Unlock()
		s.of, s.copied = nil, nil
	}
}

// openSnapshotReads lets them begin, once the actor is awake.
func (a *activation) openSnapshotReads() {
	if a.snapshotReads == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.snapshotReads.open = a.borrowed == nil
}

// offerSnapshotRead has a call run beside the turns if it would wait for one. It is not taken if it belongs into the mailbox. The
// caller holds a.mu.
func (a *activation) offerSnapshotRead(w *work) (r offerResult, taken bool) {
	s := a.snapshotReads
	if waits := a.running && (s.turns || s.writers > 0); !waits && !(w.comesBack && (a.running || a.readers.Len() > 0)) {
		return 0, false
	}
	switch {
	case !s.open || a.ending == dropWork || !a.session.Valid() || a.gate.Snapshot() == nil:
		return cannotComeBack, w.comesBack
	case s.count >= readers.Most:
		return readsFull, w.comesBack
	case a.host.snapshotReads.Add(1) > maxSnapshotReads:
		a.host.snapshotReads.Add(-1)
		return readsFull, w.comesBack
	}
	if w.counted = a.tenant != nil; w.counted && !a.tenant.Wait(int64(w.Size)) {
		a.host.snapshotReads.Add(-1)
		return tenantFull, true
	}
	s.count++
	s.waiting = append(s.waiting, *w)
	return mustRun, true
}

// nextSnapshotRead takes a read that waits for a goroutine, which now has this one. Its Context is that of a turn that has begun.
func (a *activation) nextSnapshotRead(goroutine uint64) (w work, c *Context, ok bool) {
	s := a.snapshotReads
	if s == nil {
		return w, nil, false
	}
	now := a.host.clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(s.waiting) == 0 {
		return w, nil, false
	}
	w = s.waiting[0]
	if s.waiting = slices.Delete(s.waiting, 0, 1); len(s.waiting) == 0 {
		s.waiting = nil
	}
	a.waitsNoMore(&w)
	c = &Context{a: a, turn: turnOf(&w), began: now, goroutine: goroutine}
	c.turn.readOnly, c.turn.beside, c.turn.snapshot = true, true, true
	a.limitTurn(now, &c.turn)
	a.readersBook().BeginBeside(goroutine, nameOf(w.ID), c)
	return w, c, true
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

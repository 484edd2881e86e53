package actorhost

import (
	"slices"
	"sync"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
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

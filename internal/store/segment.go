package store

import "time"

// Segment is a part of a [Journal] that is dropped as a whole once all its changes are in the records too. Each write
// in it holds a reference until then.
type Segment struct {
	journal    *Journal
	generation int
	// The rest is guarded by the mutex of the journal.
	refs       int
	flushes    []func() // of the actors with changes in it
	changes    int
	bytes      int
	closed     bool      // nothing is added any more
	releasedAt time.Time // when refs became 0
}

// Keep registers flush, which is called when the record must be written after all, without the journal. Flush must not
// block. The reference is kept until [Segment.Leave]. Keep returns false, and does not register flush, if the segment
// has ended already.
func (s *Segment) Keep(flush func()) bool {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if s.closed {
		return false
	}
	s.flushes = append(s.flushes, flush)
	return true
}

// Leave releases a reference: the record has the change or a newer one, or an earlier segment is kept until it has.
func (s *Segment) Leave() {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.release(1)
}

// release drops n references. The caller holds the mutex of the journal.
func (s *Segment) release(n int) {
	if s.refs -= n; s.refs == 0 {
		s.releasedAt = time.Now()
	}
}

package store

import "time"

// Segment is a part of a [Journal], which is dropped as a whole once all that is in it is in the records too. Each write
// that went there has a hold on it until then.
type Segment struct {
	journal    *Journal
	generation int
	// The rest is guarded by the mutex of the journal.
	refs       int
	flushes    []func() // have something in it
	changes    int
	bytes      int
	closed     bool      // nothing is added any more
	releasedAt time.Time // no holds since then
}

// Keep has flush called when the record is to be written after all, by a write that does not go to the journal. It must
// not block. The hold is kept until [Segment.Leave]. Keep is false when that time has come already: then flush is not called.
func (s *Segment) Keep(flush func()) bool {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if s.closed {
		return false
	}
	s.flushes = append(s.flushes, flush)
	return true
}

// Leave ends a hold: the record has what the write had, or what is newer, or a segment before this one is held until it has.
func (s *Segment) Leave() {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.release(1)
}

// release ends holds. The caller holds the mutex of the journal.
func (s *Segment) release(n int) {
	if s.refs -= n; s.refs == 0 {
		s.releasedAt = time.Now()
	}
}

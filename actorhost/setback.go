package actorhost

import (
	"sync"
	"time"

	"github.com/troupe-go/troupe"
)

// What runs beside the turns and fails is run again after times that double from firstRetry to mostRetry. When it has not failed
// for steadyAfter, it begins again with the first.
const steadyAfter = time.Minute

// setback is that something beside the turns of an actor has failed, and is to run again.
type setback struct {
	times int // in a row
	why   string
	until time.Time // then it runs
}

// setbacks are those of the actors on a host. They outlive the activation: what fails may end that too.
type setbacks struct {
	mu  sync.Mutex
	all map[troupe.ID]setback
}

// add adds a failure.
func (s *setbacks) add(id troupe.ID, why string) setback {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[troupe.ID]setback)
	}
	last := s.all[id]
	if time.Since(last.until) > steadyAfter {
		last.times = 0
	}
	last.times++
	last.why = shortened(why, maxReason)
	last.until = time.Now().Add(min(firstRetry<<min(last.times-1, 16), mostRetry))
	s.all[id] = last
	return last
}

// of is the setback of an actor, if it has one that is not long ago.
func (s *setbacks) of(id troupe.ID) (setback, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.all[id]
	return last, ok && time.Since(last.until) <= steadyAfter
}

// waiting is how many actors wait to run again.
func (s *setbacks) waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if time.Until(one.until) > 0 {
			n++
		}
	}
	return n
}

// forget forgets that of an actor which is elsewhere.
func (s *setbacks) forget(id troupe.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// forgetOld forgets those that are long ago.
func (s *setbacks) forgetOld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, one := range s.all {
		if time.Since(one.until) > steadyAfter {
			delete(s.all, id)
		}
	}
}

package queues

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
)

// bellLine is a queue in order of an actor for which a host has heard bells. Its messages are not in hand of anybody.
type bellLine struct {
	name  string
	actor troupe.ID
	queue string

	held    []*message // bells that are not acked: if this host dies, another hears them
	working bool       // a goroutine tells the actor
	rings   time.Time  // a bell stands that rings then, or none is known to

	// For the goroutine.
	waits int  // how often in a row the actor could not be told, or had not come as far as the bells
	again bool // its last answer came too late
}

// bells are the queues of a host for which it has heard bells.
type bells struct {
	mu  sync.Mutex
	all map[string]*bellLine
}

// ringsSoon is how long before a bell rings it does not count any more as one that stands.
const ringsSoon = 2 * time.Second

// add puts a bell to the others of its queue. Start says that the caller must have a goroutine tell the actor. A bell that is not held
// is to be acked: for one says that another stands, which rings later, or else, if crowded, once that is so.
func (s *bells) add(m *message, now time.Time) (l *bellLine, start, held, crowded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := m.queue()
	if l = s.all[name]; l == nil {
		if len(s.all) > maxHeld { // what is forgotten is told again
			maps.DeleteFunc(s.all, func(_ string, l *bellLine) bool { return !l.working })
		}
		l = &bellLine{name: name, actor: m.actor(), queue: m.Queue}
		s.all[name] = l
	}
	switch {
	case m.ripe:
		l.rings = time.Time{}
	case m.Delivered == 1 && l.rings.Sub(now) > ringsSoon:
		return l, false, false, false
	case len(l.held) >= maxInLine:
		return l, false, false, true
	}
	l.held = append(l.held, m)
	start, l.working = !l.working, true
	return l, start, true, false
}

// take returns the bells that are held. Without any, the goroutine must end.
func (s *bells) take(l *bellLine, now time.Time) []*message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(l.held) > 0 {
		return slices.Clone(l.held)
	}
	l.working = false
	if !l.rings.After(now) {
		delete(s.all, l.name)
	}
	return nil
}

// done takes bells away that are to be acked. Of those that are not, one at least must be left while the actor is told.
func (s *bells) done(l *bellLine, acked []*message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.held = slices.DeleteFunc(l.held, func(m *message) bool { return slices.Contains(acked, m) })
}

// stands notes that a bell stands which rings at a time.
func (s *bells) stands(l *bellLine, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.rings = at
}

package figures

import (
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/stacks"
)

// Steps are the steps of workflows that run at the moment, beside the turns of their actors. The zero value has none.
type Steps struct {
	mu  sync.Mutex
	all map[*Step]struct{}
}

// Step is one of them.
type Step struct {
	Actor     troupe.ID
	Name      string
	Began     time.Duration // on the host's clock
	Goroutine uint64        // see package stacks
}

// Begin notes a step, which the calling goroutine runs, until end is called.
func (s *Steps) Begin(actor troupe.ID, name string, now time.Duration) (end func()) {
	one := &Step{actor, name, now, stacks.ID()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*Step]struct{})
	}
	s.all[one] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.all, one)
	}
}

// Running are those that run.
func (s *Steps) Running() (all []Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.all {
		all = append(all, *one)
	}
	return all
}

package actorhost

import (
	"sync/atomic"
	"time"
)

// served is an action of an actor type, and what has become of the calls of it on this host.
type served struct {
	run action // nil for those that every type has

	calls, failed atomic.Int64
	took          atomic.Int64 // nanoseconds, by the turns
	lastError     atomic.Pointer[string]
}

// count counts a call whose action has run.
func (s *served) count(took time.Duration, err error) {
	s.calls.Add(1)
	s.took.Add(int64(took))
	if err != nil {
		s.fail(err)
	}
}

// fail counts a call that is answered with an error.
func (s *served) fail(err error) {
	text := err.Error()
	s.failed.Add(1)
	s.lastError.Store(&text)
}

package store

import (
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// samples are messages of the archive that were there at some time. The stream keeps each for its age: if one is gone before that,
// somebody has purged it, and then nobody may take what is not there for too old.
type samples struct {
	mu  sync.Mutex
	all []sample // oldest first
}

type sample struct {
	sequence uint64
	at       time.Time
}

// samplesFor is in how many parts of its age a stream has one sample each.
const samplesFor = 16

// add adds a message, unless there is one of about that time.
func (s *samples) add(sequence uint64, at time.Time, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.all); n > 0 && at.Sub(s.all[n-1].at) < age/samplesFor {
		return
	}
	s.all = slices.DeleteFunc(s.all, func(one sample) bool { return at.Sub(one.at) >= age })
	s.all = append(s.all, sample{sequence, at})
}

// addLast adds the last message that a stream has had.
func (s *samples) addLast(info *jetstream.StreamInfo) {
	if last := info.State.LastSeq; last > 0 {
		s.add(last, time.Now().Add(-info.TimeStamp.Sub(info.State.LastTime)), info.Config.MaxAge)
	}
}

// purged reports whether a message is gone that cannot be too old.
func (s *samples) purged(first uint64, age time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := time.Now().Add(-age * 4 / 5)
	return slices.ContainsFunc(s.all, func(one sample) bool { return one.sequence < first && one.at.After(recent) })
}

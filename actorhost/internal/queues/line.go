package queues

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/queue"
)

const (
	// A host has at most so many messages of a queue of an actor in hand, and so many bytes of them. More wait elsewhere.
	maxInLine, maxLineBytes = 256, 4 << 20
	// maxHeld is how many messages a host has in hand, and maxHeldBytes how many bytes of them.
	maxHeld, maxHeldBytes = 16_384, 256 << 20
	// An actor gets twice as many messages at a time as before while each takes less than quick, up to maxBatch, and as long as they
	// have no more than maxBatchBytes together.
	maxBatch, maxBatchBytes, quick = 64, 256 << 10, 20 * time.Millisecond
	// What an actor has no room for waits as long as those before it are likely to take.
	leastWait, mostWait = time.Second, 30 * time.Second
)

// line is what a host has in hand of a queue of an actor.
type line struct {
	name    string
	waiting queue.FIFO[*message]
	held    int // with those that are being handled
	bytes   int64
	working bool // a goroutine hands messages over
	batch   int  // how many more than one it may hand over at a time

	took    time.Duration // a message, on average
	began   time.Time     // when those that are being handled were handed over
	drained time.Time     // when those that were sent away are likely to be done
	acked   []string      // keys of messages that are gone, for the actor to be told
}

// lines are those of a host.
type lines struct {
	mu    sync.Mutex
	all   map[string]*line
	held  map[*message]struct{}
	bytes int64
}

func newLines() lines {
	return lines{all: make(map[string]*line), held: make(map[*message]struct{})}
}

// hold notes that a message is in hand.
func (s *lines) hold(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[m] = struct{}{}
	s.bytes += size(m)
}

// drop notes that it is not any more.
func (s *lines) drop(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, m)
	s.bytes -= size(m)
}

func size(m *message) int64 { return int64(len(m.Message.Data)) }

// old returns the messages of which the server has not heard for a while, and notes that it hears of them now. Those of which it
// has not heard for too long are others' by now.
func (s *lines) old(while time.Duration) (found []*message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for m := range s.held {
		if since := now.Sub(m.touched); since >= while && since < patience {
			m.touched = now
			found = append(found, m)
		}
	}
	return found
}

// add puts a message into its line. Start says that the caller must have a goroutine work on the line. If there is no room, the
// message is to come again after a while.
func (s *lines) add(m *message) (l *line, start bool, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, now := m.line(), time.Now()
	if l = s.all[name]; l == nil {
		if len(s.all) > maxHeld {
			s.forgetIdle()
		}
		l = &line{name: name}
		s.all[name] = l
	}
	if l.held == 0 {
		l.began = now
	}
	switch {
	case len(s.held) > maxHeld || s.bytes > maxHeldBytes:
		return l, false, max(l.sendAway(now, m.Waits()), waitAgain(m.Waits()))
	case l.held >= maxInLine || l.held > 0 && l.bytes+size(m) > maxLineBytes:
		return l, false, l.sendAway(now, m.Waits())
	}
	l.held, l.bytes = l.held+1, l.bytes+size(m)
	l.waiting.Push(m)
	start, l.working = !l.working, true
	return l, start, 0
}

// pace is how long a message takes, by what is known.
func (l *line) pace(now time.Time) time.Duration {
	if l.held == 0 {
		return l.took
	}
	return max(l.took, now.Sub(l.began)) // nothing has been done since
}

// sendAway returns how long a message is to wait that the line has no room for: until those before it are done, as far as that can
// be told, and the longer the more often it has waited in vain.
func (l *line) sendAway(now time.Time, waits int) time.Duration {
	if l.drained.Before(now) {
		l.drained = now
	}
	pace := min(l.pace(now), mostWait)
	l.drained = l.drained.Add(pace)
	if most := now.Add(mostWait); l.drained.After(most) {
		l.drained = most
	}
	if pace >= quick { // it is slow, or stuck
		return max(l.drained.Sub(now), waitAgain(waits))
	}
	return max(l.drained.Sub(now), leastWait)
}

// waitAgain is how long a message waits that has waited so often in vain.
func waitAgain(waits int) time.Duration { return min(leastWait<<min(waits, 5), mostWait) }

// next takes the next messages of a line, with the keys that its actor is to be told. Without any, the goroutine must end.
func (s *lines) next(l *line) (batch []*message, acked []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes := int64(0)
	for l.waiting.Len() > 0 && len(batch) <= l.batch && bytes < maxBatchBytes {
		m := l.waiting.Pop()
		batch, bytes = append(batch, m), bytes+size(m)
	}
	if len(batch) == 0 {
		l.working = false
		if l.held == 0 && len(l.acked) == 0 {
			delete(s.all, l.name)
		}
		return nil, nil
	}
	acked, l.acked, l.began = l.acked, nil, time.Now()
	return batch, acked
}

// back puts messages back that were not begun, before all others.
func (s *lines) back(l *line, rest []*message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := l.waiting.Drain()
	l.waiting.Push(rest...)
	l.waiting.Push(waiting...)
}

// ran notes how long so many messages took.
func (s *lines) ran(l *line, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	took := now.Sub(l.began) / time.Duration(max(n, 1))
	l.took += (min(took, mostWait) - l.took) / 4
	l.began = now
	if took < quick {
		l.batch = min(2*l.batch+1, maxBatch-1)
	} else {
		l.batch = 0
	}
}

// done notes that messages are done with. Gone says that they certainly do not come again.
func (s *lines) done(l *line, gone bool, all ...*message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range all {
		l.held, l.bytes = l.held-1, l.bytes-size(m)
		if gone {
			in := m.queued()
			l.acked = append(l.acked, in.Key())
		}
	}
}

// forgetIdle forgets all lines that have nothing to do. What their actors were to be told they find out. The caller holds s.mu.
func (s *lines) forgetIdle() {
	maps.DeleteFunc(s.all, func(_ string, l *line) bool { return l.held == 0 && !l.working })
}

// stale reports whether a message may have gone to another host, because this one was not there for a while.
func (s *lines) stale(m *message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(m.touched) >= patience
}

// untold gives ids back that the actor could not be told.
func (s *lines) untold(l *line, acked []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.acked = slices.Concat(acked, l.acked)
	l.acked = l.acked[max(0, len(l.acked)-maxInLine):]
}

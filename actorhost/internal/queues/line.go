package queues

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/queue"
)

const (
	// A host has at most so many messages of an actor in hand, and so many bytes of them. More wait elsewhere.
	maxInLine, maxLineBytes = 256, 4 << 20
	// maxHeld is how many messages a host has in hand, and maxHeldBytes how many bytes of them.
	maxHeld, maxHeldBytes = 16_384, 256 << 20
	// An actor gets up to mostCalls messages at a time while each takes less than quick, and begins with leastCalls: what waits in
	// its mailbox has a deadline, what waits here has none.
	leastCalls, mostCalls, quick = 2, 64, 20 * time.Millisecond
	// What an actor has no room for waits as long as those before it are likely to take.
	leastWait, mostWait = time.Second, 30 * time.Second
)

// line is what a host has in hand of one actor.
type line struct {
	actor   string
	waiting queue.FIFO[*message]
	held    int // with those that are being handled
	bytes   int64
	calls   int // goroutines that hand messages over
	trust   int // how many messages more it may get at a time, because those before were quick

	took    time.Duration // a message, on average
	ended   time.Time     // when the last was done, or the line began
	drained time.Time     // when those that were sent away are likely to be done
	acked   []string      // ids of messages that are gone, for the actor to be told
}

// lines are those of a host.
type lines struct {
	mu    sync.Mutex
	all   map[string]*line // by the tokens of the actor
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

// add puts a message into the line of its actor. Start says that the caller must have a goroutine work on the line. If there is no
// room, the message is to come again after a while.
func (s *lines) add(m *message) (l *line, start bool, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens, now := m.Message.Actor.Tokens(), time.Now()
	if l = s.all[tokens]; l == nil {
		if len(s.all) > maxHeld {
			s.forgetIdle()
		}
		l = &line{actor: tokens}
		s.all[tokens] = l
	}
	if l.held == 0 {
		l.ended = now
	}
	if l.held >= maxInLine || l.held > 0 && l.bytes+size(m) > maxLineBytes || len(s.held) > maxHeld || s.bytes > maxHeldBytes {
		return l, false, l.sendAway(now, m.Waits())
	}
	l.held, l.bytes = l.held+1, l.bytes+size(m)
	l.waiting.Push(m)
	if start = l.calls < l.mayCall(now); start {
		l.calls++
	}
	return l, start, 0
}

// pace is how long a message takes, by what is known.
func (l *line) pace(now time.Time) time.Duration {
	if l.held == 0 {
		return l.took
	}
	return max(l.took, now.Sub(l.ended)) // nothing has been done since
}

// mayCall is how many messages the actor may get at a time.
func (l *line) mayCall(now time.Time) int {
	if l.pace(now) >= quick {
		l.trust = 0
	}
	return leastCalls + l.trust
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
		return min(max(l.drained.Sub(now), leastWait<<min(waits, 5)), mostWait)
	}
	return max(l.drained.Sub(now), leastWait)
}

// next takes the next message of a line, with the ids that its actor is to be told. Without any, the goroutine must end.
func (s *lines) next(l *line) (m *message, acked []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.waiting.Len() == 0 || l.calls > l.mayCall(time.Now()) && l.calls > 1 {
		l.calls--
		s.forget(l)
		return nil, nil
	}
	acked, l.acked = l.acked, nil
	return l.waiting.Pop(), acked
}

// done notes that a message is done with. Gone says that it certainly does not come again. It reports whether another goroutine
// may work on the line.
func (s *lines) done(l *line, m *message, gone bool) (start bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	l.held, l.bytes = l.held-1, l.bytes-size(m)
	took := now.Sub(l.ended)
	l.took += (min(took, mostWait) - l.took) / 8
	l.trust = min(l.trust+1, mostCalls-leastCalls)
	l.ended = now
	if gone {
		in := m.queued()
		l.acked = append(l.acked, in.Key())
	}
	if start = l.waiting.Len() > 0 && l.calls < l.mayCall(now); start {
		l.calls++
	}
	return start
}

// forget forgets a line that has nothing to do, unless there is something to tell its actor. The caller holds s.mu.
func (s *lines) forget(l *line) {
	if l.held > 0 || l.calls > 0 {
		return
	}
	if len(l.acked) == 0 {
		delete(s.all, l.actor)
	}
}

// forgetIdle forgets all lines that have nothing to do. What their actors were to be told they find out. The caller holds s.mu.
func (s *lines) forgetIdle() {
	maps.DeleteFunc(s.all, func(_ string, l *line) bool { return l.held == 0 && l.calls == 0 })
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

// actor is the actor of a message.
func (m *message) actor() troupe.ID { return m.Message.Actor }

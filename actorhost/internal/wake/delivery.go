package wake

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/store"
)

// delivery is an event that the feed has delivered to this waker. It is in progress until it has the answers of each of its
// subscribers, and of the look-up of these; then it is acked, or nacked if one of them wants it again.
type delivery struct {
	store.Fed
	all *deliveries

	// Under the mutex of all.
	pending int           // answers that are to come
	retry   time.Duration // the shortest of them
}

// deliveries are those that are neither acked nor nacked.
type deliveries struct {
	slots chan struct{} // has one for each

	mu      sync.Mutex
	unacked map[*delivery]struct{}
}

// maxDeliveries is how many there are at most. More stay with the server.
const maxDeliveries = 4096

func newDeliveries() deliveries {
	return deliveries{slots: make(chan struct{}, maxDeliveries), unacked: make(map[*delivery]struct{})}
}

// begin waits for room for a delivery. The caller has to answer it.
func (s *deliveries) begin(fed store.Fed) *delivery {
	s.slots <- struct{}{} // which is made by calls, that all have a deadline
	d := &delivery{Fed: fed, all: s, pending: 1}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unacked[d] = struct{}{}
	return d
}

// inProgress tells the server that the deliveries are not forgotten.
func (s *deliveries) inProgress() {
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.unacked))
	s.mu.Unlock()
	for _, d := range open {
		d.InProgress()
	}
}

// expect says that so many more will answer.
func (d *delivery) expect(more int) {
	d.all.mu.Lock()
	defer d.all.mu.Unlock()
	d.pending += more
}

// answer counts the answer of one of them, who wants the event again after a time unless that is noRetry.
func (d *delivery) answer(retry time.Duration) {
	if !d.countAnswer(retry) {
		return
	}
	<-d.all.slots
	if d.retry == noRetry {
		d.Ack()
	} else {
		d.Nak(d.retry)
	}
}

const noRetry = time.Duration(0)

// countAnswer reports whether the answer was the last.
func (d *delivery) countAnswer(retry time.Duration) bool {
	d.all.mu.Lock()
	defer d.all.mu.Unlock()
	if retry != noRetry && (d.retry == noRetry || retry < d.retry) {
		d.retry = retry
	}
	if d.pending--; d.pending > 0 {
		return false
	}
	delete(d.all.unacked, d)
	return true
}

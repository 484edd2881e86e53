package wake

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/store"
)

// delivery is an event that the feed has delivered to this waker. It is in progress until the look-up of its
// subscribers and each subscriber have answered. Then it is acked, or nacked if one of them needs it again.
type delivery struct {
	store.Fed
	all *deliveries

	// Guarded by all.mu.
	pending int           // answers still to come
	retry   time.Duration // the shortest that was answered
}

// deliveries are those that are neither acked nor nacked.
type deliveries struct {
	slots chan struct{} // one element for each

	mu      sync.Mutex
	unacked map[*delivery]struct{}
}

// maxDeliveries limits how many are in progress. The server keeps the rest.
const maxDeliveries = 4096

func newDeliveries(most int) deliveries {
	return deliveries{slots: make(chan struct{}, most), unacked: make(map[*delivery]struct{})}
}

// begin adds a delivery, and waits while there are maxDeliveries. The caller must answer it once.
func (s *deliveries) begin(fed store.Fed) *delivery {
	s.slots <- struct{}{} // the wait ends: calls make room, and all have deadlines
	d := &delivery{Fed: fed, all: s, pending: 1}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unacked[d] = struct{}{}
	return d
}

// inProgress tells the server that work on the deliveries goes on.
func (s *deliveries) inProgress() {
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.unacked))
	s.mu.Unlock()
	for _, d := range open {
		d.InProgress()
	}
}

// expect adds to the number of answers to wait for.
func (d *delivery) expect(more int) {
	d.all.mu.Lock()
	defer d.all.mu.Unlock()
	d.pending += more
}

// answer counts one answer, and acks or nacks the delivery with the last one. Unless retry is noRetry, the event is
// needed again after that time.
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

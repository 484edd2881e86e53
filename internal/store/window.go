package store

import "time"

// window is how many writes may be in flight at once. A write that is not sent at once costs nothing: the actor's later
// changes share it. So the window is just large enough to keep the server busy, with few writes queued there. As in TCP
// Vegas, the queue is estimated from how much longer an acknowledgement takes than the base time.
type window struct {
	limit      int
	baseTime   time.Duration // of an acknowledgement when nothing else is in flight
	measuredAt time.Time
}

const (
	minWindow, maxWindow = 16, 256
	minQueued            = minWindow / 4 // writes queued at the server; with fewer, the window grows
	maxQueued            = minWindow
	maxBacklog           = 64 // writes that wait here. An actor has one write at a time, so holding back more gains little
	measureEvery         = 10 * time.Second
)

// allows reports whether one more of the waiting writes may be sent. Now and then that is one that is alone in flight,
// to measure the base time.
func (w *window) allows(inFlight, waiting int) bool {
	if time.Since(w.measuredAt) > measureEvery {
		return inFlight == 0
	}
	return inFlight < max(w.limit, minWindow, min(waiting-maxBacklog, maxWindow))
}

// observe counts the acknowledgement of a single write.
func (w *window) observe(f *flight, now time.Time) {
	took := now.Sub(f.sent)
	switch limit := max(w.limit, minWindow); {
	case f.ahead == 0:
		if w.measuredAt = now; w.baseTime == 0 || took < w.baseTime {
			w.baseTime = took
		} else {
			w.baseTime += (took - w.baseTime) / 8
		}
	case f.ahead+1 < limit || took <= 0: // the window was not full, so it did not limit anything
	default:
		queued := float64(limit) * (1 - float64(w.baseTime)/float64(took))
		switch {
		case queued < minQueued:
			w.limit = min(limit+1, maxWindow)
		case queued > maxQueued:
			w.limit = max(limit-1, minWindow)
		}
	}
}

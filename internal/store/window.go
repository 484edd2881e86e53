package store

import "time"

// window is how many writes may be on their way at once. What the server does not get at once is not lost time: what
// changes until a write is sent needs no write of its own. So there are as many as keep the server busy, and few more
// that wait there (as TCP Vegas has it: from how much longer an answer takes than alone).
type window struct {
	limit      int
	baseTime   time.Duration // an answer takes when nothing else is on its way
	measuredAt time.Time
}

const (
	minWindow, maxWindow = 16, 256
	minQueued            = minWindow / 4 // of a full window, at the server: there may be more
	maxQueued            = minWindow
	maxBacklog           = 64 // here: there is one write of an actor at a time, so little is won where more wait
	measureEvery         = 10 * time.Second
)

// allows reports whether one more may be sent of those that wait here. Now and then that is one alone, to be measured.
func (w *window) allows(inFlight, waiting int) bool {
	if time.Since(w.measuredAt) > measureEvery {
		return inFlight == 0
	}
	return inFlight < max(w.limit, minWindow, min(waiting-maxBacklog, maxWindow))
}

// observe counts the answer to a single write.
func (w *window) observe(f *flight, now time.Time) {
	took := now.Sub(f.sent)
	switch limit := max(w.limit, minWindow); {
	case f.ahead == 0:
		if w.measuredAt = now; w.baseTime == 0 || took < w.baseTime {
			w.baseTime = took
		} else {
			w.baseTime += (took - w.baseTime) / 8
		}
	case f.ahead+1 < limit || took <= 0: // it was not for the window that others waited
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

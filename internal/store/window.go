package store

import "time"

// window is how many writes may be on their way at once. What the server does not get at once is not lost time: what
// changes until a write is sent needs no write of its own. So there are as many as keep the server busy, and few more
// that wait there (as TCP Vegas has it: from how much longer an answer takes than alone).
type window struct {
	limit    int
	alone    time.Duration // an answer takes when nothing else is on its way
	measured time.Time
}

const (
	minWindow, maxWindow = 16, 256
	fewWaiting           = minWindow / 4 // of a full window, at the server: there may be more
	manyWaiting          = minWindow
	maxWaiting           = 64 // here: there is one write of an actor at a time, so little is won where more wait
	measureAloneEvery    = 10 * time.Second
)

// allows reports whether one more may be sent of those that wait here. Now and then that is one alone, to be measured.
func (w *window) allows(inFlight, waiting int) bool {
	if time.Since(w.measured) > measureAloneEvery {
		return inFlight == 0
	}
	return inFlight < max(w.limit, minWindow, min(waiting-maxWaiting, maxWindow))
}

// answer counts the answer to a single write.
func (w *window) answer(f *flight, now time.Time) {
	took := now.Sub(f.sent)
	switch limit := max(w.limit, minWindow); {
	case f.behind == 0:
		if w.measured = now; w.alone == 0 || took < w.alone {
			w.alone = took
		} else {
			w.alone += (took - w.alone) / 8
		}
	case f.behind+1 < limit || took <= 0: // it was not for the window that others waited
	default:
		waiting := float64(limit) * (1 - float64(w.alone)/float64(took))
		switch {
		case waiting < fewWaiting:
			w.limit = min(limit+1, maxWindow)
		case waiting > manyWaiting:
			w.limit = max(limit-1, minWindow)
		}
	}
}

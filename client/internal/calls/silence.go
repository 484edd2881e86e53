package calls

import "time"

// A call without an answer is asked for after firstSilence: its host may have died with it, or before it arrived. If the
// call waits at its host, that says so; it is then asked for again after twice as long each time, up to lastPending, or as
// soon as the host turns out to be gone. If nobody says anything, the host may be frozen. The question then goes by the route,
// where a frozen host may still swallow it, with a pause that grows up to lastSilence.
const firstSilence, lastSilence, lastPending = 100 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second

// A client waits the longer for word of a call the more it has sent that is not answered yet: what it asks meanwhile would
// only queue up behind that. It counts on a bus that carries [carried] bytes a second, and on callBytes of work for a call
// besides its input.
const (
	carried        = 32 << 20
	callBytes      = 4 << 10
	longestSilence = 2 * time.Second
)

// silence is how long a call waits for a word after it was sent.
func (s *Sender) silence() time.Duration {
	return min(firstSilence+time.Duration(s.unanswered.Load())*(time.Second/carried), longestSilence)
}

package calls

import "time"

// A client waits the longer for word of a call the more it has sent that is not answered yet: what it asks meanwhile would
// only queue up behind that. It counts on a bus that carries [carried] bytes a second, and on callBytes of work for a call
// besides its input.
const (
	carried   = 32 << 20
	callBytes = 4 << 10
)

// weigh counts a call with so many bytes of input that is about to be sent.
func (t *roundTrip) weigh(bytes int) {
	t.weight = int64(bytes + callBytes)
	t.sender.unanswered.Add(t.weight)
}

// silence is how long a call waits for a word after it was sent.
func (s *Sender) silence() time.Duration {
	return min(firstSilence+time.Duration(s.unanswered.Load())*(time.Second/carried), longestSilence)
}

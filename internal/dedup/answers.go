package dedup

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// The limits of what is remembered. A caller that numbers its calls (see wire.RequestID) says which answers it has, so
// an actor usually remembers about as many answers as it has calls in flight.
const (
	maxAnswers      = 4096      // per actor, as many as may wait in its mailbox; the oldest go first
	maxGivenAnswers = 64        // of those, to calls with a request id
	maxAnswersSize  = 128 << 10 // bytes of their outputs together
	maxAnswer       = 8 << 10   // bytes of an output; of a longer one only the fact is remembered
	maxCallers      = 256
	keepAnswers     = 5 * time.Minute // after the answer, or after the last activation
)

// Answers remembers the answers to the calls that changed an actor. They are written in one record with the state, so
// an answer is remembered if and only if its effect is stored, also by the host that takes over. A call that changed
// nothing is not remembered: if it comes again it runs again. A nil Answers is empty.
type Answers struct {
	kept    []answer // oldest first
	size    int      // bytes of the outputs
	given   int      // how many of them have a request id
	callers map[uint64]*caller
	// Until then an unknown caller may be one that was forgotten.
	forgetful time.Time
}

type answer struct {
	Caller uint64 `json:"c,omitempty"`
	Number uint64 `json:"n,omitempty"`
	Given  string `json:"g,omitempty"` // the request id
	Sum    uint32 `json:"s,omitempty"` // checksum of that call
	Output []byte `json:"o,omitempty"`
	Long   bool   `json:"l,omitempty"` // the output was too long to be remembered

	at time.Time
}

// caller is what is known about the numbers of one caller.
type caller struct {
	Floor   uint64 `json:"f"`           // it has the answers to all lower numbers
	Highest uint64 `json:"h"`           // the highest number that was answered
	Lost    uint64 `json:"l,omitempty"` // answers up to this number may have been dropped

	at time.Time
}

// Len is how many answers are remembered.
func (s *Answers) Len() int {
	if s == nil {
		return 0
	}
	return len(s.kept)
}

// Find looks for the answer to a call. The result must not be changed.
func (s *Answers) Find(call Call) (output []byte, err *troupe.Error, v Verdict) {
	if s == nil || !call.ID.Known() {
		return nil, nil, New
	}
	id := call.ID
	c := s.callers[id.Caller]
	numbered := c != nil && id.Number != 0
	switch {
	case numbered && id.Number < c.Floor:
		return nil, nil, Over
	case id.Given == "" && numbered && id.Number > c.Highest:
		return nil, nil, New
	case id.Given != "" || numbered:
		for i := range s.kept {
			if a := &s.kept[i]; numbered && a.Number == id.Number && a.Caller == id.Caller || a.Given != "" && a.Given == id.Given {
				output, err = a.again(call)
				return output, err, Answered
			}
		}
	}
	if numbered && id.Number <= c.Lost || c == nil && call.Again && id.Number != 0 && time.Now().Before(s.forgetful) {
		return nil, errs.New(troupe.CodeOutcomeUnknown, "whether the call of %s has run is not remembered", call.Action), Answered
	}
	return nil, nil, New
}

// again is the answer to a repeated call.
func (a *answer) again(call Call) ([]byte, *troupe.Error) {
	switch {
	case a.Given != "" && a.Sum != call.sum():
		return nil, errs.New(troupe.CodeRequestReused, "the request id %q was used for another call", a.Given)
	case a.Long:
		return nil, errs.New(troupe.CodeAnswerLost, "the call of %s has run and is stored; its answer was too long to be kept", call.Action)
	}
	return a.Output, nil
}

// Add remembers the answer to an identified call, and forgets answers that nobody will ask for any more. It keeps
// output.
func (s *Answers) Add(call Call, output []byte) {
	now, id := time.Now(), call.ID
	s.noteCaller(id, now)
	kept := s.kept[:0]
	for i := range s.kept {
		a := &s.kept[i]
		if a.Caller == id.Caller && a.Number < id.Floor {
			a.Caller, a.Number = 0, 0 // its caller has the answer
		}
		if a.Number == 0 && a.Given == "" || now.Sub(a.at) > keepAnswers {
			s.uncount(a)
		} else {
			kept = append(kept, *a)
		}
	}
	clear(s.kept[len(kept):])
	a := answer{Caller: id.Caller, Number: id.Number, Given: id.Given, Output: output, at: now}
	if a.Given != "" {
		a.Sum = call.sum()
	}
	if len(output) > maxAnswer {
		a.Output, a.Long = nil, true
	}
	s.kept = kept
	s.kept = append(s.kept, a)
	s.count(&a)
	s.trim()
}

// trim enforces the limits.
func (s *Answers) trim() {
	n, size := 0, s.size
	for len(s.kept)-n > maxAnswers || size > maxAnswersSize {
		size -= len(s.kept[n].Output)
		n++
	}
	s.drop(n)
	if s.given > maxGivenAnswers {
		s.kept = slices.DeleteFunc(s.kept, func(a answer) bool {
			tooMany := a.Given != "" && s.given > maxGivenAnswers
			if tooMany {
				s.markLost(&a)
			}
			return tooMany
		})
	}
}

// noteCaller records what a call tells about its caller.
func (s *Answers) noteCaller(id ID, now time.Time) {
	if id.Number == 0 {
		return
	}
	c := s.callers[id.Caller]
	if c == nil {
		if s.callers == nil {
			s.callers = make(map[uint64]*caller, 1)
		}
		if len(s.callers) == maxCallers {
			s.forgetCallers(now)
		}
		c = new(caller)
		s.callers[id.Caller] = c
	}
	c.Floor, c.Highest, c.at = max(c.Floor, id.Floor), max(c.Highest, id.Number), now
}

// forgetCallers makes room for another caller. It forgets those that have not called for long, or else the older half.
func (s *Answers) forgetCallers(now time.Time) {
	for _, limit := range []time.Duration{keepAnswers, keepAnswers / 2, keepAnswers / 4, keepAnswers / 16, 0} {
		for id, c := range s.callers {
			if now.Sub(c.at) >= limit {
				delete(s.callers, id)
			}
		}
		if limit < keepAnswers {
			s.forgetful = now.Add(keepAnswers)
		}
		if len(s.callers) < maxCallers {
			return
		}
	}
}

// drop forgets the n oldest answers.
func (s *Answers) drop(n int) {
	for i := range n {
		s.markLost(&s.kept[i])
	}
	s.kept = slices.Delete(s.kept, 0, n)
}

// markLost records that an answer is forgotten which its caller may still ask for.
func (s *Answers) markLost(a *answer) {
	s.uncount(a)
	if c := s.callers[a.Caller]; c != nil && a.Number != 0 {
		c.Lost = max(c.Lost, a.Number)
	}
}

func (s *Answers) count(a *answer) {
	s.size += len(a.Output)
	if a.Given != "" {
		s.given++
	}
}

func (s *Answers) uncount(a *answer) {
	s.size -= len(a.Output)
	if a.Given != "" {
		s.given--
	}
}

// Yield forgets the oldest half of the answers, or, if there are none, all callers, because the record has no room for
// them. It reports whether there was something to forget.
func (s *Answers) Yield() bool {
	switch {
	case len(s.kept) > 0:
		s.drop((len(s.kept) + 1) / 2)
	case len(s.callers) > 0:
		s.callers, s.forgetful = nil, time.Now().Add(keepAnswers)
	default:
		return false
	}
	return true
}

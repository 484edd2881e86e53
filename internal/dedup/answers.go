package dedup

import (
	"bytes"
	"cmp"
	"hash/fnv"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// The limits of what is remembered in a record. A caller that numbers its calls (see wire.RequestID) says which answers it
// has, so an actor usually remembers about as many answers as it has calls in flight. What is to be remembered for longer
// goes into the archive.
const (
	MaxSize    = 64 << 10        // bytes in a record
	MaxAnswer  = maxOutput + 64  // bytes of one
	maxEntries = 44 << 10        // bytes of the answers, from which on no call starts that is to be remembered
	maxGiven   = 28 << 10        // bytes of the answers, from which on none with a request id does: they must leave room for others
	maxOutput  = 8 << 10         // bytes of an output; of a longer one only the fact is remembered
	maxCallers = 384             // whose floors are known
	callersFor = 5 * time.Minute // since their last call
	sweepEvery = time.Minute     // to forget those
	maxIdle    = 8               // activations since then
)

// Answers remembers the answers to the calls that changed an actor. They are written in one record with the state, so
// an answer is remembered if and only if its effect is stored, also by the host that takes over. A call that changed
// nothing is not remembered: if it comes again it runs again. A nil Answers is empty.
type Answers struct {
	tail
	counted int64 // what MemoryChange has returned so far
	callers map[uint64]*caller
	swept   time.Duration // when callers were forgotten last, since began
	archive *archive      // nil as long as it has nothing, and nothing is on its way
	window  time.Duration // zero: DefaultWindow
	of      uint64        // whose answers they are
}

// DefaultWindow is how long the answer to a call with a request id is remembered at least.
const DefaultWindow = 15 * time.Minute

// Of says whose answers they are, for in an archive that has gone back there may be those of others, and sets the window.
func (s *Answers) Of(actor string, window time.Duration) {
	if s == nil || s.of != 0 {
		return
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(actor)) // never fails
	s.of, s.window = h.Sum64(), window
	if s.archive != nil {
		s.archive.table.keep = KeepFor(window)
	}
}

// caller is what is known about the numbers of one caller.
type caller struct {
	floor   uint64 // it has the answers to all lower numbers
	highest uint64 // the highest number that was answered
	idle    uint8  // activations since it called
	at      time.Time
}

// Taken is told that the answers are in a write that is about to be sent, and Stored that it has succeeded: only what is
// stored leaves for the archive.
func (s *Answers) Taken() {
	if s != nil {
		s.take()
	}
}

// Stored is told that the write has succeeded.
func (s *Answers) Stored() {
	if s != nil {
		s.stored = s.taken
	}
}

// Len is how many answers are in the record.
func (s *Answers) Len() int {
	if s == nil {
		return 0
	}
	return len(s.about)
}

// Full reports whether a call must not start because its answer could not be remembered.
func (s *Answers) Full(id ID) bool {
	switch {
	case s == nil || !id.Known():
		return false
	case id.Given != "":
		return len(s.encoded) >= maxGiven
	}
	return len(s.encoded) >= maxEntries
}

// Find looks for the answer to a call.
func (s *Answers) Find(call Call) (Answer, *troupe.Error, Verdict) {
	if s == nil || !call.ID.Known() {
		return Answer{}, nil, New
	}
	id := call.ID
	c := s.callers[id.Caller]
	numbered := c != nil && id.Number != 0
	switch {
	case numbered && id.Number < c.floor:
		return Answer{}, nil, Over
	case id.Given == "" && numbered && id.Number > c.highest:
		return Answer{}, nil, New
	}
	key := call.key()
	if e, ok := s.find(key); ok {
		a, err := e.again(&call)
		return a, err, Answered
	}
	if s.archived().mayHave(key) {
		return Answer{}, nil, Unsure
	}
	return Answer{}, nil, New
}

// again is the answer to a repeated call.
func (e *entry) again(call *Call) (Answer, *troupe.Error) {
	switch {
	case e.sum != call.sum() && e.sum != anySum:
		return Answer{}, errs.New(troupe.CodeRequestReused, "the request id %q was used for another call", call.ID)
	case e.Long:
		return Answer{}, errs.New(troupe.CodeAnswerLost, "the call of %s has run and is stored; its answer was too long to be kept",
			call.Action)
	}
	answer := e.Answer
	answer.Output = bytes.Clone(e.Output) // what it is in may be used again
	return answer, nil
}

// Add remembers the answer to an identified call, and forgets answers that nobody will ask for any more. It keeps nothing
// of the output.
func (s *Answers) Add(call Call, answer Answer) {
	now, id := time.Now(), call.ID
	if s.noteCaller(id, now) {
		s.remove(func(i, at int) bool {
			if s.about[i].given {
				return false
			}
			caller, number := s.numbered(at)
			return caller == id.Caller && number < id.Floor
		})
	}
	s.expire(now, cmp.Or(s.window, DefaultWindow))
	e := entry{key: call.key(), given: id.Given != "", sum: call.sum(), Answer: answer}
	if len(answer.Output) > maxOutput {
		e.Output, e.Long = nil, true
	}
	s.add(&e, now)
}

// Rest gives back memory that is not in use.
func (s *Answers) Rest() {
	if s != nil {
		s.trim()
	}
}

// noteCaller records what a call tells about its caller, and reports whether it has more answers than before.
func (s *Answers) noteCaller(id ID, now time.Time) (more bool) {
	if id.Number == 0 {
		return false
	}
	c := s.callers[id.Caller]
	if c == nil {
		if s.callers == nil {
			s.callers = make(map[uint64]*caller, 1)
		}
		c = new(caller)
		s.callers[id.Caller] = c
		s.forgetCallers(now, c)
	} else if now.Sub(began)-s.swept >= sweepEvery {
		s.forgetCallers(now, c)
	}
	more = id.Floor > c.floor
	c.floor, c.highest, c.idle, c.at = max(c.floor, id.Floor), max(c.highest, id.Number), 0, now
	return more
}

// forgetCallers forgets all but one that have not called for long and, if there are too many, those that have not called for
// a while. What their floors told matters only for a call that arrives after it was answered.
func (s *Answers) forgetCallers(now time.Time, but *caller) {
	s.swept = now.Sub(began)
	for limit := callersFor; ; limit /= 4 {
		for id, c := range s.callers {
			if c != but && now.Sub(c.at) >= limit {
				delete(s.callers, id)
			}
		}
		if len(s.callers) <= maxCallers {
			return
		}
	}
}

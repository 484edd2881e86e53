package actorhost

import (
	"errors"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// The window in which a call that comes again gets its first answer. A caller that numbers its calls (see
// wire.RequestID) tells when it has an answer, so as a rule an actor remembers about as many as it has calls in flight.
const (
	maxAnswers      = DefaultMailbox // of one actor; the oldest go first
	maxGivenAnswers = 64             // of those, to calls with an id that their caller has given
	maxAnswersSize  = 128 << 10      // of their outputs together
	maxAnswer       = 8 << 10        // of an output; of a longer one it is only remembered that there was one
	maxCallers      = 256
	keepAnswers     = 5 * time.Minute // from the answer, or from a later activation, on
)

// answers remembers what the calls that changed an actor were answered. They are written with the state that they tell
// of, in one record, so what was stored is remembered, also by the host that takes over. A call that changed nothing
// leaves nothing here: if it comes again it runs again.
type answers struct {
	kept    []answer // oldest first
	size    int      // of the outputs
	given   int      // how many of them have a given id
	callers map[uint64]*caller
	// Until then, a caller that is not known may be one that had to be forgotten.
	forgetful time.Time
}

type answer struct {
	Caller uint64 `json:"c,omitempty"`
	Number uint64 `json:"n,omitempty"`
	Given  string `json:"g,omitempty"` // the id that the caller has given
	Sum    uint32 `json:"s,omitempty"` // of that call
	Output []byte `json:"o,omitempty"`
	Long   bool   `json:"l,omitempty"` // the output was too long to be remembered

	at time.Time
}

// caller is what is known of the numbers of one caller.
type caller struct {
	Floor   uint64 `json:"f"`           // it has the answers to all below
	Highest uint64 `json:"h"`           // none above has been answered
	Lost    uint64 `json:"l,omitempty"` // up to here, answers have been lost that it may ask for

	at time.Time
}

// storedAnswers is how the record has them.
type storedAnswers struct {
	Kept      []answer           `json:"kept"`
	Callers   map[uint64]*caller `json:"callers"`
	Forgetful bool               `json:"forgetful,omitempty"`
}

// identity is what tells a call from others, as far as its caller has said it.
type identity struct {
	wire.RequestID
	given string
}

func (i identity) known() bool { return i.Number != 0 || i.given != "" }

// String is what the logs, and actions, see of it.
func (i identity) String() string {
	if i.given != "" || i.Number == 0 {
		return i.given
	}
	return strconv.FormatUint(i.Caller, 36) + "-" + strconv.FormatUint(i.Number, 36)
}

// verdict is what is remembered of a call.
type verdict int

const (
	isNew      verdict = iota
	isAnswered         // with the output, or with an error that says why there is none
	isOver             // and its caller does not wait any more
)

// find looks for the answer to a call.
func (s *answers) find(w *work) (output []byte, err *troupe.Error, v verdict) {
	c := s.callers[w.id.Caller]
	numbered := c != nil && w.id.Number != 0
	switch {
	case numbered && w.id.Number < c.Floor:
		return nil, nil, isOver
	case w.id.given == "" && numbered && w.id.Number > c.Highest:
		return nil, nil, isNew
	case w.id.given != "" || numbered:
		for i := range s.kept {
			if a := &s.kept[i]; numbered && a.Number == w.id.Number && a.Caller == w.id.Caller || a.Given != "" && a.Given == w.id.given {
				output, err = a.again(w)
				return output, err, isAnswered
			}
		}
	}
	if numbered && w.id.Number <= c.Lost || c == nil && w.again && w.id.Number != 0 && time.Now().Before(s.forgetful) {
		return nil, errs.New(troupe.CodeOutcomeUnknown, "whether the call of %s has run is not remembered", w.action), isAnswered
	}
	return nil, nil, isNew
}

// again answers a call that was answered before.
func (a *answer) again(w *work) ([]byte, *troupe.Error) {
	switch {
	case a.Given != "" && a.Sum != sum(w):
		return nil, errs.New(troupe.CodeRequestReused, "the request id %q was used for another call", a.Given)
	case a.Long:
		return nil, errs.New(troupe.CodeAnswerLost, "the call of %s has run and is stored; its answer was too long to be kept", w.action)
	}
	return a.Output, nil
}

// add remembers the answer to a call with an identity, and forgets those that nobody will ask for any more. It keeps
// output.
func (s *answers) add(w *work, output []byte) {
	now := time.Now()
	s.see(w.id, now)
	kept := s.kept[:0]
	for i := range s.kept {
		a := &s.kept[i]
		if a.Caller == w.id.Caller && a.Number < w.id.Floor {
			a.Caller, a.Number = 0, 0 // its caller has it
		}
		if a.Number == 0 && a.Given == "" || now.Sub(a.at) > keepAnswers {
			s.uncount(a)
		} else {
			kept = append(kept, *a)
		}
	}
	clear(s.kept[len(kept):])
	a := answer{Caller: w.id.Caller, Number: w.id.Number, Given: w.id.given, Output: output, at: now}
	if a.Given != "" {
		a.Sum = sum(w)
	}
	if len(output) > maxAnswer {
		a.Output, a.Long = nil, true
	}
	s.kept = kept
	s.kept = append(s.kept, a)
	s.count(&a)
	s.trim()
}

// trim keeps to the limits.
func (s *answers) trim() {
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
				s.lose(&a)
			}
			return tooMany
		})
	}
}

// see notes what a call tells of its caller.
func (s *answers) see(id identity, now time.Time) {
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

// forgetCallers makes room: for those who have not called for long, or else for the oldest half.
func (s *answers) forgetCallers(now time.Time) {
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

// drop forgets the oldest answers.
func (s *answers) drop(n int) {
	for i := range n {
		s.lose(&s.kept[i])
	}
	s.kept = slices.Delete(s.kept, 0, n)
}

// lose notes that an answer is forgotten that its caller may still ask for.
func (s *answers) lose(a *answer) {
	s.uncount(a)
	if c := s.callers[a.Caller]; c != nil && a.Number != 0 {
		c.Lost = max(c.Lost, a.Number)
	}
}

func (s *answers) count(a *answer) {
	s.size += len(a.Output)
	if a.Given != "" {
		s.given++
	}
}

func (s *answers) uncount(a *answer) {
	s.size -= len(a.Output)
	if a.Given != "" {
		s.given--
	}
}

// encode is what the record keeps, as much as fits, or next to nothing: nothing, when nothing is remembered.
func (s *answers) encode(fits func(size int64) bool) []byte {
	for {
		forgetful := !s.forgetful.IsZero() && time.Now().Before(s.forgetful)
		if len(s.callers) == 0 && len(s.kept) == 0 && !forgetful {
			return nil
		}
		stored := storedAnswers{s.kept, s.callers, forgetful}
		encoded := stored.append(make([]byte, 0, 128+64*len(s.kept)+s.size))
		switch {
		case fits(int64(len(encoded))):
			return encoded
		case len(s.kept) > 0:
			s.drop((len(s.kept) + 1) / 2)
		case len(s.callers) > 0:
			s.callers, s.forgetful = nil, time.Now().Add(keepAnswers)
		default:
			return encoded
		}
	}
}

// restore is the way back. Another program may have kept more.
func (s *answers) restore(encoded []byte) error {
	*s = answers{}
	if len(encoded) == 0 {
		return nil
	}
	var stored storedAnswers
	if err := codec.MsgPack.Unmarshal(encoded, &stored); err != nil {
		return err
	}
	now := time.Now()
	for _, c := range stored.Callers {
		if c == nil {
			return errors.New("a caller is nil")
		}
		c.at = now
	}
	*s = answers{kept: stored.Kept, callers: stored.Callers}
	if stored.Forgetful {
		s.forgetful = now.Add(keepAnswers)
	}
	for i := range s.kept {
		s.kept[i].at = now
		s.count(&s.kept[i])
	}
	s.trim()
	if len(s.callers) > maxCallers {
		s.forgetCallers(now)
	}
	return nil
}

// sum tells whether two calls with one id are the same call.
func sum(w *work) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(crc32.Checksum([]byte(w.action), table), table, []byte{0}), table, w.data)
}

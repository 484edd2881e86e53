package dedup_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/wire"
)

const (
	window     = 4096
	given      = 64
	callers    = 256
	outputs    = 128 << 10
	longest    = 8 << 10
	remembered = 5 * time.Minute
)

// numbered is a call with a number.
func numbered(caller, number, floor uint64) dedup.Call {
	return dedup.Call{ID: dedup.ID{RequestID: wire.RequestID{Caller: caller, Number: number, Floor: floor}}, Action: "add"}
}

func again(call dedup.Call) dedup.Call {
	call.Again = true
	return call
}

func named(id, action, input string) dedup.Call {
	return dedup.Call{ID: dedup.ID{Given: id}, Action: action, Input: []byte(input)}
}

// stored is what a record gives back.
func stored(t *testing.T, s *dedup.Answers) *dedup.Answers {
	t.Helper()
	found := new(dedup.Answers)
	if s.Size() > 0 {
		require.NoError(t, found.Decode(s.Append(nil)))
	}
	return found
}

// requireFound checks what is remembered of a call: "new", "over", the output, or the code of an error.
func requireFound(t *testing.T, s *dedup.Answers, want string, call dedup.Call) {
	t.Helper()
	for _, s := range []*dedup.Answers{s, stored(t, s)} {
		output, failed, v := s.Find(call)
		got := string(output)
		switch {
		case failed != nil:
			require.Equal(t, dedup.Answered, v)
			got = string(failed.Code)
		case v == dedup.New:
			got = "new"
		case v == dedup.Over:
			got = "over"
		}
		require.Equal(t, want, got)
	}
}

func TestNumberedCalls(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	requireFound(t, s, "new", numbered(1, 1, 1))
	for n := range uint64(5) {
		s.Add(numbered(1, n+1, 1), []byte(strconv.FormatUint(n+1, 10)))
	}
	requireFound(t, s, "3", numbered(1, 3, 1))
	requireFound(t, s, "new", numbered(1, 6, 1))
	requireFound(t, s, "new", numbered(2, 3, 1))
	s.Add(numbered(1, 6, 4), nil)
	require.Equal(t, 3, s.Len(), "its caller has the answers below the floor")
	requireFound(t, s, "over", numbered(1, 3, 1))
	requireFound(t, s, "4", numbered(1, 4, 4))
	requireFound(t, s, "", numbered(1, 6, 4))
	s.Add(numbered(1, 9, 4), nil)
	requireFound(t, s, "new", numbered(1, 8, 4))
}

func TestGivenIDs(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	s.Add(named("a", "add", "5"), []byte("out"))
	requireFound(t, s, "out", named("a", "add", "5"))
	requireFound(t, s, "request_reused", named("a", "add", "6"))
	requireFound(t, s, "request_reused", named("a", "sub", "5"))
	requireFound(t, s, "new", named("b", "add", "5"))
	both := numbered(1, 1, 1)
	both.ID.Given = "c"
	s.Add(both, []byte("both"))
	requireFound(t, s, "both", numbered(1, 1, 1))
	both.ID.RequestID = wire.RequestID{Caller: 2, Number: 7}
	requireFound(t, s, "both", both)
	for n := range given {
		s.Add(named(strconv.Itoa(n), "add", ""), nil)
	}
	requireFound(t, s, "new", named("a", "add", "5"))
	require.Equal(t, given, s.Len())
}

// TestWhoSaysNothingIsNotKnown: neither by nobody, nor of nothing.
func TestWhoSaysNothingIsNotKnown(t *testing.T) {
	t.Parallel()
	var none *dedup.Answers
	require.Zero(t, none.Len())
	_, _, v := none.Find(numbered(1, 1, 1))
	require.Equal(t, dedup.New, v)
	s := new(dedup.Answers)
	require.Zero(t, s.Size())
	s.Add(numbered(1, 1, 1), []byte("out"))
	requireFound(t, s, "new", dedup.Call{Action: "add"})
	require.False(t, dedup.ID{}.Known())
	require.Empty(t, dedup.ID{}.String())
	require.Equal(t, "a-b", numbered(10, 11, 0).ID.String())
	require.Equal(t, "x", named("x", "", "").ID.String())
}

func TestTheOldestGoFirstAndAreNotGuessed(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	for n := range uint64(window + 10) {
		s.Add(numbered(1, n+1, 1), nil)
	}
	require.Equal(t, window, s.Len())
	requireFound(t, s, "outcome_unknown", numbered(1, 10, 1))
	requireFound(t, s, "", numbered(1, 11, 1))

	s = new(dedup.Answers)
	const each = 8000
	for n := range uint64(20) {
		s.Add(numbered(1, n+1, 1), make([]byte, each))
	}
	require.Equal(t, outputs/each, s.Len())
	requireFound(t, s, "outcome_unknown", numbered(1, 1, 1))
	s.Add(numbered(1, 30, 1), make([]byte, longest+1))
	requireFound(t, s, "answer_lost", numbered(1, 30, 1))
}

func TestManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(dedup.Answers)
		for n := range uint64(callers) {
			time.Sleep(time.Millisecond) //nolint:forbidigo // in a bubble
			s.Add(numbered(n+1, 1, 1), nil)
		}
		requireFound(t, s, "", numbered(1, 1, 1))
		requireFound(t, s, "new", again(numbered(1000, 1, 1)))
		s.Add(numbered(1000, 1, 1), nil)
		requireFound(t, s, "outcome_unknown", again(numbered(1, 1, 1)))
		requireFound(t, s, "new", numbered(1, 1, 1)) // as it says
		time.Sleep(remembered + time.Second)         //nolint:forbidigo // in a bubble
		_, _, v := s.Find(again(numbered(1, 1, 1)))
		require.Equal(t, dedup.New, v, "whoever was forgotten has given up")
	})
}

func TestAnswersAreForgottenAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(dedup.Answers)
		s.Add(named("a", "add", ""), nil)
		time.Sleep(remembered + time.Second) //nolint:forbidigo // in a bubble
		s.Add(named("b", "add", ""), nil)
		require.Equal(t, 1, s.Len())
	})
}

func TestYield(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	for n := range uint64(5) {
		s.Add(numbered(1, n+1, 1), []byte("out"))
	}
	for _, left := range []int{2, 1, 0} {
		require.True(t, s.Yield())
		require.Equal(t, left, s.Len())
	}
	requireFound(t, s, "outcome_unknown", numbered(1, 5, 1))
	require.True(t, s.Yield(), "the callers")
	requireFound(t, s, "outcome_unknown", again(numbered(1, 5, 1)))
	require.False(t, s.Yield())
	require.Positive(t, s.Size(), "that there were some")
	require.Less(t, len(s.Append(nil)), 40)
}

func TestWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	type fields map[string]any
	for name, value := range map[string]any{
		"a list":            []any{},
		"a nil caller":      fields{"callers": map[uint64]any{1: nil}},
		"a caller of text":  fields{"callers": fields{"a": fields{}}},
		"an answer of nil":  fields{"kept": []any{nil}},
		"to no call":        fields{"kept": []any{fields{"o": []byte{1}}}},
		"a negative number": fields{"kept": []any{fields{"n": -1}}},
		"an output of text": fields{"kept": []any{fields{"n": 1, "o": "text"}}},
		"a large sum":       fields{"kept": []any{fields{"g": "a", "s": 1 << 40}}},
	} {
		data, err := msgpack.Marshal(value) // which, unlike ours, writes what is wrong
		require.NoError(t, err)
		require.Error(t, new(dedup.Answers).Decode(data), name)
	}
	require.Error(t, new(dedup.Answers).Decode([]byte("\x81\xa4kept\xdd\xff\xff\xff\xff")))
	require.Error(t, new(dedup.Answers).Decode(nil))

	more := make([]fields, 2*window) // as another program may have kept
	for i := range more {
		more[i] = fields{"c": 1, "n": i + 1}
	}
	many := make(map[uint64]fields)
	for i := range uint64(2 * callers) {
		many[i+1] = fields{"f": 1, "h": 9000}
	}
	data, err := msgpack.Marshal(fields{"kept": more, "callers": many})
	require.NoError(t, err)
	s := new(dedup.Answers)
	require.NoError(t, s.Decode(data))
	require.Equal(t, window, s.Len())
	requireFound(t, s, "outcome_unknown", again(numbered(5000, 1, 1)))
}

// FuzzDecode: what was decoded is remembered, and stays in its limits.
func FuzzDecode(f *testing.F) {
	s := new(dedup.Answers)
	s.Add(numbered(1, 2, 1), []byte("out"))
	s.Add(named("a", "add", ""), nil)
	f.Add(s.Append(nil), uint64(1), uint64(2), "a")
	f.Add([]byte{0x80}, uint64(0), uint64(0), "")
	f.Fuzz(func(t *testing.T, data []byte, caller, number uint64, id string) {
		s := new(dedup.Answers)
		if s.Decode(data) != nil {
			return
		}
		call := numbered(caller, number, 0)
		call.ID.Given = id
		_, failed, v := s.Find(call)
		if failed != nil {
			require.Contains(t, []troupe.Code{troupe.CodeOutcomeUnknown, troupe.CodeRequestReused, troupe.CodeAnswerLost}, failed.Code)
		}
		if call.ID.Known() && v == dedup.New {
			s.Add(call, []byte("out"))
			_, _, v := s.Find(call)
			require.Contains(t, []dedup.Verdict{dedup.Answered, dedup.Over}, v)
		}
		require.LessOrEqual(t, s.Len(), window)
		require.NoError(t, new(dedup.Answers).Decode(s.Append(nil)))
		for s.Yield() { // until nothing is left
		}
		require.Zero(t, s.Len())
	})
}

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
	callers = 384
	longest = 8 << 10
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
	return dedup.Call{ID: dedup.ID{Given: id}, Action: action, Mark: dedup.NewMark(dedup.ID{Given: id}, action, []byte(input))}
}

func output(text string) dedup.Answer { return dedup.Answer{Output: []byte(text)} }

// stored is what a record gives back.
func stored(t require.TestingT, s *dedup.Answers) *dedup.Answers {
	found := new(dedup.Answers)
	if s.Size() > 0 {
		encoded := s.Append(nil)
		require.LessOrEqual(t, int64(len(encoded)), s.Size())
		require.NoError(t, found.Decode(encoded))
	}
	return found
}

// requireFound checks what is remembered of a call: "new", "over", "unsure", the output, or the code of an error.
func requireFound(t *testing.T, s *dedup.Answers, want string, call dedup.Call) {
	t.Helper()
	for _, s := range []*dedup.Answers{s, stored(t, s)} {
		answer, failed, v := s.Find(call)
		got := string(answer.Output)
		switch {
		case failed != nil:
			require.Equal(t, dedup.Answered, v)
			got = string(failed.Code)
		case v == dedup.New:
			got = "new"
		case v == dedup.Over:
			got = "over"
		case v == dedup.Unsure:
			got = "unsure"
		}
		require.Equal(t, want, got)
	}
}

func TestNumberedCalls(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	requireFound(t, s, "new", numbered(1, 1, 1))
	for n := range uint64(5) {
		s.Add(numbered(1, n+1, 1), output(strconv.FormatUint(n+1, 10)))
	}
	requireFound(t, s, "3", numbered(1, 3, 1))
	requireFound(t, s, "new", numbered(1, 6, 1))
	requireFound(t, s, "new", numbered(2, 3, 1))
	other := numbered(1, 3, 1)
	other.Input = []byte("another")
	requireFound(t, s, "request_reused", other)
	s.Add(numbered(1, 6, 4), dedup.Answer{})
	require.Equal(t, 3, s.Len(), "its caller has the answers below the floor")
	requireFound(t, s, "over", numbered(1, 3, 1))
	requireFound(t, s, "4", numbered(1, 4, 4))
	requireFound(t, s, "", numbered(1, 6, 4))
	s.Add(numbered(1, 9, 4), dedup.Answer{})
	requireFound(t, s, "new", again(numbered(1, 8, 4)))
	s.Add(numbered(1, 30, 4), output(string(make([]byte, longest+1))))
	requireFound(t, s, "answer_lost", again(numbered(1, 30, 4)))
}

// TestOvertaken: a call that others of its caller have overtaken has not run, however many they are.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	for n := range uint64(5000) {
		call := numbered(1, n+2, 1)
		call.ID.Given = strconv.FormatUint(n, 10)
		s.Add(call, dedup.Answer{})
	}
	requireFound(t, s, "new", again(numbered(1, 1, 1)))
}

func TestGivenIDs(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	s.Add(named("a", "add", "5"), output("out"))
	requireFound(t, s, "out", named("a", "add", "5"))
	requireFound(t, s, "request_reused", named("a", "add", "6"))
	requireFound(t, s, "request_reused", named("a", "sub", "5"))
	requireFound(t, s, "new", named("b", "add", "5"))
	both := named("c", "add", "")
	both.ID.RequestID = wire.RequestID{Caller: 1, Number: 1, Floor: 1}
	s.Add(both, output("both"))
	both.ID.RequestID = wire.RequestID{Caller: 2, Number: 7}
	requireFound(t, s, "both", both)
	s.Add(numbered(1, 9, 9), dedup.Answer{})
	requireFound(t, s, "both", both) // whatever its first caller has
}

// TestNestedCalls are known by their ids, whichever host makes them.
func TestNestedCalls(t *testing.T) {
	t.Parallel()
	parent := numbered(7, 3, 1).ID
	nested := func(actor, action string, parent dedup.ID, callee, calls string, input byte, nth int) string {
		return dedup.Nesting(actor, action, parent, callee, calls, []byte{input}).Nested(nth)
	}
	id := nested("teller.a", "transfer", parent, "account.a", "withdraw", 5, 0)
	require.Equal(t, id, nested("teller.a", "transfer", parent, "account.a", "withdraw", 5, 0))
	for _, other := range []string{
		nested("teller.b", "transfer", parent, "account.a", "withdraw", 5, 0),
		nested("teller.a", "wake", parent, "account.a", "withdraw", 5, 0),
		nested("teller.a", "transfer", numbered(7, 4, 1).ID, "account.a", "withdraw", 5, 0),
		nested("teller.a", "transfer", parent, "account.b", "withdraw", 5, 0),
		nested("teller.a", "transfer", parent, "account.a", "deposit", 5, 0),
		nested("teller.a", "transfer", parent, "account.a", "withdraw", 6, 0),
		nested("teller.a", "transfer", parent, "account.a", "withdraw", 5, 1),
		nested("teller.a", "transfer", named("x", "", "").ID, "account.a", "withdraw", 5, 0),
	} {
		require.NotEqual(t, id, other)
	}
	s := new(dedup.Answers)
	call := named(id, "withdraw", "5")
	call.ID.RequestID = wire.RequestID{Caller: 9, Number: 1, Floor: 1}
	s.Add(call, output("done"))
	rerun := call
	rerun.ID.RequestID = wire.RequestID{Caller: 10, Number: 50, Floor: 50} // by another host
	requireFound(t, s, "done", rerun)
	s.Add(numbered(9, 8, 8), dedup.Answer{})
	requireFound(t, s, "done", rerun) // however long its first host may take to send it once more
}

// TestWhoSaysNothingIsNotKnown: neither by nobody, nor of nothing.
func TestWhoSaysNothingIsNotKnown(t *testing.T) {
	t.Parallel()
	var none *dedup.Answers
	require.Zero(t, none.Len())
	require.False(t, none.Full(numbered(1, 1, 1).ID))
	_, _, v := none.Find(numbered(1, 1, 1))
	require.Equal(t, dedup.New, v)
	s := new(dedup.Answers)
	require.Zero(t, s.Size())
	s.Add(numbered(1, 1, 1), output("out"))
	requireFound(t, s, "new", dedup.Call{Action: "add"})
	require.False(t, dedup.ID{}.Known())
	require.Empty(t, dedup.ID{}.String())
	require.Equal(t, "a-b", numbered(10, 11, 0).ID.String())
	require.Equal(t, "x", named("x", "", "").ID.String())
}

// TestFullIsSaidBefore: nothing is dropped, and no record has more than the room for answers.
func TestFullIsSaidBefore(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	n := 0
	for ; !s.Full(named("x", "", "").ID); n++ {
		s.Add(named(strconv.Itoa(n), "add", ""), output(string(make([]byte, n%longest))))
	}
	require.Equal(t, n, s.Len())
	require.LessOrEqual(t, s.Size(), int64(dedup.MaxSize))
	require.False(t, s.Full(dedup.ID{}), "nothing is remembered of it")
	requireFound(t, s, "", named("0", "add", ""))
}

func TestManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &owner{t: t, answers: new(dedup.Answers), shelf: new(shelf)}
		for n := range uint64(3 * callers) {
			time.Sleep(time.Millisecond) //nolint:forbidigo // in a bubble
			o.answers.Add(numbered(n+1, 2, 2), output("out"))
			requireFound(t, o.answers, "over", numbered(n+1, 1, 1))
			o.answers.Taken()
			o.answers.Stored()
			o.archive(1)
			require.LessOrEqual(t, o.answers.Size(), int64(dedup.MaxSize))
		}
		require.NotEmpty(t, o.shelf.blocks, "though nobody has given an id")
		for _, number := range []uint64{1, 3 * callers} {
			answer, v := o.find(again(numbered(number, 2, 2)))
			require.Equal(t, dedup.Answered, v)
			require.Equal(t, "out", string(answer.Output))
		}
		_, v := o.find(again(numbered(1, 3, 2)))
		require.Equal(t, dedup.New, v)
	})
}

func TestAnswersAreForgottenAfterTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(dedup.Answers)
		s.Add(named("a", "add", ""), dedup.Answer{})
		time.Sleep(dedup.DefaultWindow) //nolint:forbidigo // in a bubble
		s.Add(named("b", "add", ""), dedup.Answer{})
		require.Equal(t, 2, s.Len())
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
		s.Add(named("c", "add", ""), dedup.Answer{})
		require.Equal(t, 2, s.Len())
	})
}

// TestAnswersOfBefore reads what programs have written that remembered a number of answers.
func TestAnswersOfBefore(t *testing.T) {
	t.Parallel()
	type fields map[string]any
	data, err := msgpack.Marshal(fields{
		"kept":    []any{fields{"c": 7, "n": 3, "o": []byte("out")}, fields{"g": "id", "s": 99, "l": true}},
		"callers": map[uint64]any{7: fields{"f": 2, "h": 3, "l": 1}},
	})
	require.NoError(t, err)
	s := new(dedup.Answers)
	require.NoError(t, s.Decode(data))
	requireFound(t, s, "out", again(numbered(7, 3, 2)))
	requireFound(t, s, "over", again(numbered(7, 1, 1)))
	requireFound(t, s, "new", numbered(7, 4, 2))
	requireFound(t, s, "answer_lost", named("id", "add", "5"))

	for name, value := range map[string]any{
		"a nil caller":      fields{"callers": map[uint64]any{1: nil}},
		"a caller of text":  fields{"callers": fields{"a": fields{}}},
		"an answer of nil":  fields{"kept": []any{nil}},
		"to no call":        fields{"kept": []any{fields{"o": []byte{1}}}},
		"a negative number": fields{"kept": []any{fields{"n": -1}}},
		"an output of text": fields{"kept": []any{fields{"n": 1, "o": "text"}}},
	} {
		data, err := msgpack.Marshal(value) // which, unlike ours, writes what is wrong
		require.NoError(t, err)
		require.Error(t, new(dedup.Answers).Decode(data), name)
	}
	require.Error(t, new(dedup.Answers).Decode([]byte("\x81\xa4kept\xdd\xff\xff\xff\xff")))
}

func TestWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	s.Add(numbered(1, 2, 1), output("out"))
	s.Add(named("a", "add", ""), dedup.Answer{})
	whole := s.Append(nil)
	for n := range whole {
		require.Error(t, new(dedup.Answers).Decode(whole[:n]), "%d bytes", n)
	}
	require.Error(t, new(dedup.Answers).Decode(append(whole, 0)))
	for _, data := range []string{"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x00\x00\x00\xff\xff\xff\xff\x0f", "\x01\x00\x00\x00\x01\xff" + string(make([]byte, 40))} {
		require.Error(t, new(dedup.Answers).Decode([]byte(data)))
	}
}

// FuzzDecode: what was decoded is remembered.
func FuzzDecode(f *testing.F) {
	s := new(dedup.Answers)
	s.Add(numbered(1, 2, 1), output("out"))
	s.Add(named("a", "add", ""), dedup.Answer{})
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
			s.Add(call, output("out"))
			_, _, v := s.Find(call)
			require.Contains(t, []dedup.Verdict{dedup.Answered, dedup.Over}, v)
		}
		require.NoError(t, new(dedup.Answers).Decode(s.Append(nil)))
	})
}

// FuzzLoad reads what the archive may have in its place.
func FuzzLoad(f *testing.F) {
	s := new(dedup.Answers)
	for n := range 20 {
		s.Add(named(strconv.Itoa(n), "add", ""), output("out"))
	}
	write(s)
	f.Add(s.Block(), []byte("\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, first, others []byte) {
		s := new(dedup.Answers)
		for n := range 20 {
			s.Add(named(strconv.Itoa(n), "add", ""), output("out"))
		}
		write(s)
		s.Block()
		s.Sent(dedup.Ref{Sequence: 1}, 1)
		s = stored(t, s)
		blocks := [][]byte{first}
		for range 5 {
			missing := s.Missing()
			if len(missing) == 0 {
				break
			}
			blocks = blocks[:1]
			for len(blocks) < len(missing) {
				blocks = append(blocks, others)
			}
			if s.Load(missing, blocks) != nil {
				return
			}
			blocks[0] = others
		}
		require.Empty(t, s.Missing())
		_, _, _ = s.FindIn([][]byte{first, others, nil}, named("1", "add", ""))
	})
}

// TestCallersThatHaveGone: no record grows with those who have called once.
func TestCallersThatHaveGone(t *testing.T) {
	t.Parallel()
	o := &owner{t: t, answers: new(dedup.Answers), shelf: new(shelf)}
	for n := range uint64(1000) { // one call of each, and sleep in between
		o.answers = stored(t, o.answers)
		call := numbered(n+1, 2, 2)
		_, v := o.find(call)
		require.Equal(t, dedup.New, v)
		o.answers.Add(call, output("out"))
		o.answers.Taken()
		o.answers.Stored()
		o.archive(2)
		require.Less(t, o.answers.Size(), int64(5<<10))
	}
	for n := range uint64(1000) {
		answer, v := o.find(again(numbered(n+1, 2, 2)))
		require.Equal(t, dedup.Answered, v)
		require.Equal(t, "out", string(answer.Output))
	}

	synctest.Test(t, func(t *testing.T) { // or without
		s := new(dedup.Answers)
		for n := range uint64(1000) {
			s.Add(numbered(n+1, 2, 2), dedup.Answer{})
			time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		}
		require.Less(t, s.Size(), int64(30*70))
	})
}

// TestScopes: callers of two accounts may say the same of their calls.
func TestScopes(t *testing.T) {
	t.Parallel()
	for _, id := range []dedup.ID{numbered(1, 1, 1).ID, named("a", "", "").ID} {
		require.NotEqual(t, id, id.Scoped("x"))
		require.NotEqual(t, id.Scoped("y"), id.Scoped("x"))
		require.Equal(t, id.Number, id.Scoped("x").Number)
	}
}

// TestCallersOfLongAgoAreForgotten though nobody else calls: their numbers are in every write.
func TestCallersOfLongAgoAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s dedup.Answers
		for n := range uint64(callers) {
			s.Add(numbered(n, 1, 1), dedup.Answer{})
			s.Add(numbered(n, 2, 2), dedup.Answer{}) // it has the first answer
		}
		crowd := s.Size()
		for n := range uint64(30) {
			time.Sleep(time.Minute) //nolint:forbidigo // virtual time
			s.Add(numbered(1, 3+n, 3+n), dedup.Answer{})
		}
		require.Less(t, s.Size(), crowd/10)
	})
}

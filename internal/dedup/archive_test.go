package dedup_test

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/dedup"
)

// shelf keeps what an archive keeps, as long as it keeps it.
type shelf struct {
	blocks [][]byte
	at     []time.Time
}

func (s *shelf) put(block []byte) dedup.Ref {
	s.blocks, s.at = append(s.blocks, block), append(s.at, time.Now())
	return dedup.Ref{Sequence: uint64(len(s.blocks))}
}

func (s *shelf) read(refs []dedup.Ref) (blocks [][]byte) {
	for _, ref := range refs {
		if i := ref.Sequence - 1; time.Since(s.at[i]) <= dedup.KeepFor(dedup.DefaultWindow) {
			blocks = append(blocks, s.blocks[i])
		} else {
			blocks = append(blocks, nil)
		}
	}
	return blocks
}

// owner is the life of an actor on one host.
type owner struct {
	t       require.TestingT
	answers *dedup.Answers
	shelf   *shelf
}

func (o *owner) find(call dedup.Call) (dedup.Answer, dedup.Verdict) {
	answer, failed, v := o.answers.Find(call)
	if v == dedup.Unsure {
		for missing := o.answers.Missing(); len(missing) > 0; missing = o.answers.Missing() {
			require.NoError(o.t, o.answers.Load(missing, o.shelf.read(missing)))
		}
		answer, failed, v = o.answers.FindIn(o.shelf.read(o.answers.Candidates(call)), call)
	}
	require.Nil(o.t, failed)
	return answer, v
}

// write has all answers written, by two writes: the second brings none, so there may be a block at once.
func write(s *dedup.Answers) {
	for range 2 {
		s.Taken()
		s.Stored()
	}
}

// archive sends what there is to send, some of it.
func (o *owner) archive(atMost int) {
	for range atMost {
		block := o.answers.Block()
		if block == nil {
			return
		}
		o.answers.Sent(o.shelf.put(block), 1)
	}
}

// TestNoAnswerIsLost runs calls by an actor whose hosts die at any moment. What was in a write is answered for the window,
// and nothing else is.
func TestNoAnswerIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ testing.TB }{t}, noAnswerIsLost) // a bubble has no deadline to tell
	})
}

func noAnswerIsLost(t *rapid.T) {
	o := &owner{t: t, answers: new(dedup.Answers), shelf: new(shelf)}
	var written []byte              // the record
	inRecord := map[int]time.Time{} // when it was run: what is certain
	since := map[int]time.Time{}    // run, not written
	last := 0
	call := func(n int) dedup.Call {
		c := named(fmt.Sprint("id", n), "add", fmt.Sprint(n))
		if n%3 == 0 {
			c.ID.Caller, c.ID.Number, c.ID.Floor = 1, uint64(n), 1
		}
		return c
	}
	t.Repeat(map[string]func(*rapid.T){
		"run": func(t *rapid.T) {
			for range rapid.IntRange(1, 40).Draw(t, "calls") {
				if o.answers.Full(call(1).ID) {
					return
				}
				last++
				o.answers.Add(call(last), output(fmt.Sprint("out", last)))
				since[last] = time.Now()
			}
		},
		"write": func(t *rapid.T) {
			o.answers.Taken()
			written = o.answers.Append(nil)
			o.answers.Stored()
			maps.Copy(inRecord, since)
			clear(since)
			o.archive(rapid.IntRange(0, 3).Draw(t, "blocks"))
		},
		"lose a block": func(t *rapid.T) {
			if block := o.answers.Block(); block != nil {
				if rapid.Bool().Draw(t, "arrives") {
					o.shelf.put(block)
				}
				o.answers.NotSent(time.Millisecond)
				time.Sleep(time.Millisecond) //nolint:forbidigo // in a bubble
			}
		},
		"take over": func(t *rapid.T) {
			o.answers = new(dedup.Answers)
			if written != nil {
				require.NoError(t, o.answers.Decode(written))
			}
			clear(since)
		},
		"unload": func(*rapid.T) { o.answers.Unload() },
		"wait":   func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(0, 300).Draw(t, "seconds")) * time.Second) }, //nolint:forbidigo // in a bubble
		"ask": func(t *rapid.T) {
			if last == 0 {
				t.Skip()
			}
			n := rapid.IntRange(1, last+3).Draw(t, "call")
			answer, v := o.find(call(n))
			ran, certain := inRecord[n]
			_, running := since[n]
			switch {
			case certain && time.Since(ran) <= dedup.DefaultWindow, running:
				require.Equal(t, dedup.Answered, v, "call %d of %d", n, last)
				require.Equal(t, fmt.Sprint("out", n), string(answer.Output))
			case !certain:
				require.Equal(t, dedup.New, v, "call %d of %d", n, last)
			}
		},
	})
}

// TestManyIDs: a long archive is found again from its newest block, in few steps.
func TestManyIDs(t *testing.T) {
	t.Parallel()
	const calls = 100_000
	o := &owner{t: t, answers: new(dedup.Answers), shelf: new(shelf)}
	for n := range calls {
		o.answers.Add(named(fmt.Sprint(n), "add", ""), output(fmt.Sprint(n)))
		if n%64 == 0 {
			o.answers.Taken()
			o.answers.Stored()
			o.archive(2)
		}
	}
	o.answers.Taken()
	o.answers.Stored()
	require.Less(t, o.answers.Len(), 200)
	perID := float64(o.answers.Memory()) / calls
	require.Less(t, perID, 13.0, "bytes of memory an id")
	var size int
	for _, block := range o.shelf.blocks {
		size += len(block)
	}
	t.Logf("%d blocks, %.1f bytes an id in the archive, %.1f in memory", len(o.shelf.blocks), float64(size)/calls, perID)

	next := &owner{t: t, answers: stored(t, o.answers), shelf: o.shelf}
	for n := 0; n < calls; n += 997 {
		answer, v := next.find(named(fmt.Sprint(n), "add", ""))
		require.Equal(t, dedup.Answered, v, n)
		require.Equal(t, fmt.Sprint(n), string(answer.Output))
	}
	require.Less(t, float64(next.answers.Memory())/calls, 9.0, "bytes of memory an id, whose number is known before")
	for n := range 1000 {
		_, v := next.find(named(fmt.Sprint("new", n), "add", ""))
		require.Equal(t, dedup.New, v)
	}
}

// TestArchiveThatIsLost: until the window is over nobody knows, and says so.
func TestArchiveThatIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(dedup.Answers)
		for n := range 20 {
			s.Add(named(fmt.Sprint(n), "add", ""), dedup.Answer{})
		}
		write(s)
		s.Block()
		s.Sent(dedup.Ref{Sequence: 1}, 1)
		s.Lost()
		for range 2 {
			requireFound(t, s, "unsure", named("7", "add", ""))
			_, lost, _ := s.FindIn(nil, named("7", "add", ""))
			require.EqualValues(t, "outcome_unknown", lost.Code)
			_, failed, v := s.FindIn(nil, numbered(1, 1, 1))
			require.Nil(t, failed)
			require.Equal(t, dedup.New, v, "it is sent for the first time")
			s = stored(t, s)
		}
		time.Sleep(dedup.DefaultWindow + time.Minute) //nolint:forbidigo // in a bubble
		requireFound(t, s, "new", named("7", "add", ""))
	})
}

// TestArchiveThatIsMadeAnew: what the old one had is lost, what has just been sent is not.
func TestArchiveThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	send := func(from int, made int64) {
		for n := range 20 {
			s.Add(named(fmt.Sprint(from+n), "add", ""), output(fmt.Sprint(from+n)))
		}
		write(s)
		require.NotNil(t, s.Block())
		s.Sent(dedup.Ref{Sequence: 1}, made)
	}
	send(0, 1)
	send(20, 2)
	requireFound(t, s, "unsure", named("7", "add", ""))
	_, lost, _ := s.FindIn(nil, named("7", "add", ""))
	require.EqualValues(t, "outcome_unknown", lost.Code)
	requireFound(t, s, "27", named("27", "add", ""))
	require.NotNil(t, s.Block(), "it is sent again")
}

// TestMemoryDoesNotGrowForEver: what the archive does not keep any more is forgotten, also where its indexes are.
func TestMemoryDoesNotGrowForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &owner{t: t, answers: new(dedup.Answers), shelf: new(shelf)}
		calls := 0
		measure := func(lasts time.Duration) (memory int64, index int) {
			for until := time.Now().Add(lasts); time.Now().Before(until); {
				for range 20 {
					o.answers.Add(named(fmt.Sprint(calls), "add", ""), output(""))
					calls++
				}
				o.answers.Taken()
				o.answers.Stored()
				o.archive(2)
				time.Sleep(time.Second) //nolint:forbidigo // in a bubble
			}
			for _, block := range o.shelf.blocks[len(o.shelf.blocks)-40:] { // one of them is an index
				index = max(index, len(block))
			}
			return o.answers.Memory(), index
		}
		memory, index := measure(3 * dedup.DefaultWindow)
		laterMemory, laterIndex := measure(9 * dedup.DefaultWindow)
		require.Less(t, laterMemory, memory*5/4)
		require.Less(t, laterIndex, index*11/10)
	})
}

// TestArchiveThatFails is left alone for a while.
func TestArchiveThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(dedup.Answers)
		for n := range 20 {
			s.Add(named(fmt.Sprint(n), "add", ""), output("x"))
		}
		write(s)
		first := s.Block()
		require.NotNil(t, first)
		s.NotSent(time.Second)
		require.Nil(t, s.Block())
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
		require.Equal(t, first, s.Block())
	})
}

// TestBlocksAreWorthAMessage: one has what a write brings, and 16 answers more; or else the oldest has waited for 2 s.
func TestBlocksAreWorthAMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(dedup.Answers)
		calls := 0
		write := func(brings int) (sent int) {
			for range brings {
				s.Add(named(fmt.Sprint(calls), "add", ""), output("x"))
				calls++
			}
			s.Taken()
			s.Stored()
			if block := s.Block(); block != nil {
				before := s.Len()
				s.Sent(dedup.Ref{Sequence: uint64(calls)}, 1)
				sent = before - s.Len()
			}
			return sent
		}
		require.Zero(t, write(15))
		require.Equal(t, 17, write(1)+write(1), "with the second")
		require.Equal(t, []int{0, 80}, []int{write(40), write(40)})
		require.Zero(t, write(5))
		time.Sleep(2*time.Second + time.Second/8) //nolint:forbidigo // in a bubble
		require.Equal(t, 6, write(1))
	})
}

// TestLoadAfterAnError: what was read before it is not there twice, so each answer is found in its block.
func TestLoadAfterAnError(t *testing.T) {
	t.Parallel()
	const calls = 16 * 40 // an index, and blocks after it
	o := &owner{t: t, answers: new(dedup.Answers), shelf: new(shelf)}
	for n := range calls {
		o.answers.Add(named(fmt.Sprint(n), "add", ""), output(fmt.Sprint(n)))
		if n%16 == 15 {
			write(o.answers)
			o.archive(2)
		}
	}
	o.answers = stored(t, o.answers)
	for missing := o.answers.Missing(); len(missing) > 0; missing = o.answers.Missing() {
		broken := o.shelf.read(missing)
		broken[0] = broken[0][:len(broken[0])-1]
		if o.answers.Load(missing, broken) != nil {
			require.NoError(t, o.answers.Load(missing, o.shelf.read(missing)))
		}
	}
	for n := range calls {
		answer, v := o.find(named(fmt.Sprint(n), "add", ""))
		require.Equal(t, dedup.Answered, v, n)
		require.Equal(t, fmt.Sprint(n), string(answer.Output))
	}
}

// TestOnlyWhatIsStoredIsSent: what no write has stored stays, whatever has left before it.
func TestOnlyWhatIsStoredIsSent(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	name := func(from int) {
		for n := range 40 {
			s.Add(named(fmt.Sprint(from+n), "add", ""), output(fmt.Sprint(from+n)))
		}
	}
	name(0)
	write(s)
	first, _, _ := s.Find(named("0", "add", ""))
	require.NotNil(t, s.Block())
	s.Sent(dedup.Ref{Sequence: 1}, 1)
	name(40)
	require.Nil(t, s.Block(), "behind what was sent")
	require.Equal(t, "0", string(first.Output))

	s = new(dedup.Answers)
	for n := range uint64(40) {
		s.Add(numbered(1, n+1, 1), output("x"))
	}
	write(s)
	s.Taken()
	name(0)
	s.Add(numbered(1, 41, 41), output("x"))
	require.Equal(t, 41, s.Len())
	s.Stored()
	require.Nil(t, s.Block(), "behind what its caller has heard of")
}

// TestOlderAnswersAreSent: those of callers that may be gone, and none of later ones.
func TestOlderAnswersAreSent(t *testing.T) {
	t.Parallel()
	s := new(dedup.Answers)
	for n := range uint64(100) {
		s.Add(numbered(n+1, 1, 1), output("x"))
	}
	s = stored(t, s)
	require.NotNil(t, s.Block())
	s.Sent(dedup.Ref{Sequence: 1}, 1)
	require.Zero(t, s.Len())
	for n := range uint64(100) {
		s.Add(numbered(1, n+2, 1), output("x"))
	}
	write(s)
	require.Nil(t, s.Block())
}

package actorhost_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A Sorter handles letters that come by its queues.
type Sorter struct{ troupe.Ref }

func (Sorter) ActorType() string { return "sorter" }

var (
	Sort       = troupe.NewQueue[Sorter, letter]("sort")
	Forward    = troupe.NewAction[Sorter, forwarded, troupe.None]("forward") // pushes to another
	ReadSorted = troupe.NewAction[Sorter, troupe.None, []sorted]("read")
)

type letter struct {
	Text   string
	Refuse bool // with an error of the actor's own
	Fail   int  // so many attempts fail
	Pad    string
	Lacks  bool // what handles it calls what nobody has
}

type forwarded struct {
	To     string
	Letter letter
	Times  int
	Undone bool
	ID     string
	After  time.Duration
}

type sorted struct {
	Text    string
	ID      string
	Attempt int
	Pushed  time.Time
	Request string
}

type sorter struct{ Sorted []sorted }

var errNoAddressee = troupe.NewError("refused", "return to sender")

func (s *sorter) sort(c *actorhost.Context, l letter) error {
	q, ok := troupe.QueuedOf(c)
	switch {
	case !ok || q.Queue != "sort":
		panic("no message")
	case l.Refuse:
		return errNoAddressee
	case l.Lacks:
		return &troupe.Error{Code: troupe.CodeUnknownAction, Message: "as of an actor that was called"}
	case q.Attempt <= l.Fail:
		return &troupe.Error{Code: "no_luck", Message: "not yet"}
	}
	s.Sorted = append(s.Sorted, sorted{l.Text, q.ID, q.Attempt, q.Pushed, c.RequestID()})
	return nil
}

func (s *sorter) forward(c *actorhost.Context, f forwarded) error {
	for range max(f.Times, 1) {
		var options []troupe.PushOption
		if f.ID != "" {
			options = append(options, troupe.PushID(f.ID))
		}
		if f.After != 0 {
			options = append(options, troupe.NotBefore(time.Now().Add(f.After)))
		}
		if err := Sort.Push(c, troupe.GetOrCreate[Sorter](c, f.To), f.Letter, options...); err != nil {
			return err
		}
	}
	if f.Undone {
		return errNoAddressee
	}
	return nil
}

func sorterType(retries ...actorhost.Retries) actorhost.ActorType[Sorter, sorter] {
	return actorhost.Define(func() sorter { return sorter{} },
		actorhost.OnQueue(Sort, (*sorter).sort, retries...),
		actorhost.On(Forward, actorhost.NoOut((*sorter).forward)),
		actorhost.On(ReadSorted, actorhost.NoIn(func(s *sorter, _ *actorhost.Context) ([]sorted, error) { return s.Sorted, nil })),
	)
}

// awaitSorted waits until a sorter has so many letters, and returns them.
func awaitSorted(t *testing.T, ref Sorter, n int) (all []sorted) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		all, err = ReadSorted.Call(t.Context(), ref, nil)
		return err == nil && len(all) >= n
	}, 30*time.Second, 10*time.Millisecond)
	return all
}

func TestQueueHandlesWhatIsPushed(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	began := time.Now()
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "first"}))
	all := awaitSorted(t, ref, 1)
	require.Len(t, all, 1)
	require.Equal(t, "first", all[0].Text)
	require.Equal(t, 1, all[0].Attempt)
	require.NotEmpty(t, all[0].ID)
	require.WithinDuration(t, began, all[0].Pushed, 10*time.Second)
}

// virtuallyNow runs a test with sorters in virtual time.
func virtuallyNow(t *testing.T, test func(t *testing.T, b *hosttest.Bus, ref Sorter), retries ...actorhost.Retries) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, sorterType(retries...))
		test(t, b, troupe.GetOrCreate[Sorter](b.Client, "main"))
	})
}

func readSorted(t *testing.T, ref Sorter) []sorted {
	t.Helper()
	all, err := ReadSorted.Call(context.WithoutCancel(t.Context()), ref, nil)
	require.NoError(t, err)
	return all
}

func deadLetters(t *testing.T, ref Sorter) (all []troupe.DeadLetter[letter]) {
	t.Helper()
	for dead, err := range Sort.Dead(context.WithoutCancel(t.Context()), ref) {
		require.NoError(t, err)
		all = append(all, dead)
	}
	return all
}

func TestMessageThatFailsIsTriedAgain(t *testing.T) {
	virtuallyNow(t, func(t *testing.T, _ *hosttest.Bus, ref Sorter) {
		t.Helper()
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "late", Fail: 3}))
		advance(6500 * time.Millisecond) // 1, 2 and 4 s later
		require.Empty(t, readSorted(t, ref))
		advance(1500 * time.Millisecond)
		all := readSorted(t, ref)
		require.Len(t, all, 1)
		require.Equal(t, 4, all[0].Attempt)
		require.WithinDuration(t, time.Now().Add(-8*time.Second), all[0].Pushed, time.Second)
		require.Empty(t, deadLetters(t, ref))
	})
}

func TestMessageIsGivenUp(t *testing.T) {
	virtuallyNow(t, func(t *testing.T, _ *hosttest.Bus, ref Sorter) {
		t.Helper()
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "lost", Fail: 3}))
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "refused", Refuse: true}))
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "lacking", Lacks: true}))
		advance(500 * time.Millisecond)
		dead := deadLetters(t, ref)
		require.Len(t, dead, 1, "an error of the actor's own is not tried again")
		require.Equal(t, letter{Text: "refused", Refuse: true}, dead[0].Message)
		require.Equal(t, "refused: return to sender", dead[0].Error)
		require.Equal(t, 1, dead[0].Attempt)
		advance(10 * time.Second)
		dead = slices.DeleteFunc(deadLetters(t, ref), func(d troupe.DeadLetter[letter]) bool { return d.Message.Lacks })
		require.Len(t, dead, 2)
		require.Len(t, deadLetters(t, ref), 3, "what others lack is a failure")
		require.Equal(t, "lost", dead[1].Message.Text)
		require.Equal(t, 2, dead[1].Attempt)
		require.Equal(t, "no_luck: not yet", dead[1].Error)
		require.Empty(t, readSorted(t, ref))

		found, err := Sort.Drop(t.Context(), ref, dead[0].ID)
		require.NoError(t, err)
		require.True(t, found)
		found, err = Sort.Drop(t.Context(), ref, dead[0].ID)
		require.NoError(t, err)
		require.False(t, found)
		found, err = Sort.Retry(t.Context(), ref, dead[1].ID)
		require.NoError(t, err)
		require.True(t, found)
		require.Len(t, deadLetters(t, ref), 1)
		advance(5 * time.Second)
		dead = deadLetters(t, ref)
		require.Len(t, dead, 2, "it failed twice again")
		require.Equal(t, 2, dead[1].Attempt)
	}, actorhost.Retries{Attempts: 2})
}

func TestMessageWaitsForItsTime(t *testing.T) {
	takesLong(t)
	virtuallyNow(t, func(t *testing.T, _ *hosttest.Bus, ref Sorter) {
		t.Helper()
		began := time.Now()
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "soon"}, troupe.NotBefore(began.Add(time.Hour))))
		_, err := Forward.Call(t.Context(), ref, forwarded{To: "main", Letter: letter{Text: "sooner"}, After: 30 * time.Minute})
		require.NoError(t, err)
		advance(30*time.Minute - time.Second)
		require.Empty(t, readSorted(t, ref))
		advance(2 * time.Second)
		require.Len(t, readSorted(t, ref), 1)
		advance(30 * time.Minute)
		all := readSorted(t, ref)
		require.Len(t, all, 2)
		require.Equal(t, "soon", all[1].Text)
		require.WithinDuration(t, began, all[1].Pushed, time.Second)
	})
}

// TestWhatIsForAnotherCentury waits, though the server counts no nanoseconds so far.
func TestWhatIsForAnotherCentury(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, sorterType(), logbookType())
		ref, late := troupe.GetOrCreate[Sorter](b.Client, "a"), time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "a"}, troupe.NotBefore(late)))
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "b"}, troupe.NotBefore(late.AddDate(9000, 0, 0))))
		_, err := Note.At(troupe.SchedulerOf(t.Context(), logbookOf(b, "one")), late, "a")
		require.NoError(t, err)
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		all, err := ReadSorted.Call(t.Context(), ref, nil)
		require.NoError(t, err)
		require.Empty(t, all)
		require.Empty(t, entries(t, logbookOf(b, "one")))
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "c"}))
		require.Len(t, awaitSorted(t, ref, 1), 1)
	})
}

func TestMessageWithAnIDTakesEffectOnce(t *testing.T) {
	virtuallyNow(t, func(t *testing.T, b *hosttest.Bus, ref Sorter) {
		t.Helper()
		other := troupe.GetOrCreate[Sorter](b.Client, "other")
		for range 3 {
			require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "once"}, troupe.PushID("17")))
			_, err := Forward.Call(t.Context(), other, forwarded{To: "main", Letter: letter{Text: "once"}, ID: "17", Times: 2})
			require.NoError(t, err)
			advance(3 * time.Minute) // JetStream itself knows it no more
		}
		require.Len(t, readSorted(t, ref), 1)
		require.NoError(t, Sort.Push(t.Context(), other, letter{Text: "another's"}, troupe.PushID("17")))
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "another"}, troupe.PushID("18")))
		advance(time.Second)
		require.Len(t, readSorted(t, ref), 2)
		require.Len(t, readSorted(t, other), 1)
	})
}

func TestPushIsAPartOfTheTurn(t *testing.T) {
	virtuallyNow(t, func(t *testing.T, b *hosttest.Bus, ref Sorter) {
		t.Helper()
		other := troupe.GetOrCreate[Sorter](b.Client, "other")
		_, err := Forward.Call(t.Context(), ref, forwarded{To: "other", Letter: letter{Text: "undone"}, Undone: true})
		require.ErrorIs(t, err, errNoAddressee)
		_, err = Forward.Call(t.Context(), ref, forwarded{To: "other", Letter: letter{Text: "done"}, Times: 100})
		require.NoError(t, err)
		advance(time.Second)
		all := readSorted(t, other)
		require.Len(t, all, 100)
		for _, one := range all {
			require.Equal(t, "done", one.Text)
		}
	})
}

func TestFullQueueSaysSo(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.HostWith(actorhost.Config{QueueLength: 3}, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	b.Stop(host)
	for range 3 {
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "fits"}))
	}
	began := time.Now()
	err := Sort.Push(t.Context(), ref, letter{Text: "does not"})
	require.ErrorIs(t, err, troupe.ErrOverloaded)
	failed, _ := errors.AsType[*troupe.Error](err)
	require.True(t, failed.Retryable)
	require.Less(t, time.Since(began), 5*time.Second)
	require.NoError(t, Sort.Push(t.Context(), troupe.GetOrCreate[Sorter](b.Client, "other"), letter{Text: "fits"}))
	b.HostWith(actorhost.Config{}, sorterType())
	awaitSorted(t, ref, 3)
}

func TestActorPushesToAFullQueue(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{QueueLength: 3}, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	_, err := Forward.Call(t.Context(), ref, forwarded{To: "other", Letter: letter{Text: "waits"}, Times: 50})
	require.NoError(t, err)
	require.Len(t, awaitSorted(t, troupe.GetOrCreate[Sorter](b.Client, "other"), 50), 50)
}

func TestAnyClientCanPush(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	nc := b.Connect()
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	for _, msg := range []*nats.Msg{
		{Data: []byte(`{"text":"typed"}`), Header: nats.Header{"Content-Type": {"application/json"}}},
		{Data: []byte(`{"text":"plain"}`)},
		{Data: []byte(`{"text":"named"}`), Header: nats.Header{"Nats-Msg-Id": {"1"}}},
		{Data: []byte(`{"text":"named"}`), Header: nats.Header{"Nats-Msg-Id": {"1"}}},
	} {
		msg.Subject = "troupe.queue.sorter.main.sort"
		reply, err := nc.RequestMsg(msg, 10*time.Second)
		require.NoError(t, err)
		require.NotContains(t, string(reply.Data), "error")
	}
	all := awaitSorted(t, ref, 3)
	require.Len(t, all, 3)
}

func TestAdvanceHasMessagesHandled(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType(actorhost.Retries{Attempts: 10}))
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	began := b.Now()
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "in a week"}, troupe.NotBefore(began.Add(7*24*time.Hour))))
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "lost", Fail: 10}))
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "late", Fail: 8}))
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "now"}))
	b.Advance(time.Second)
	all := readSorted(t, ref)
	require.Len(t, all, 1)
	require.WithinRange(t, b.NextDue(), began.Add(time.Second), began.Add(4*time.Second))
	b.Advance(24 * time.Hour)
	all = readSorted(t, ref)
	require.Len(t, all, 2)
	require.Equal(t, 9, all[1].Attempt)
	require.Len(t, deadLetters(t, ref), 1)
	b.Advance(6 * 24 * time.Hour)
	all = readSorted(t, ref)
	require.Len(t, all, 3)
	require.Equal(t, "in a week", all[2].Text)
	require.Zero(t, b.NextDue())
}

func TestQueueThatIsDefinedWrong(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	state := func() sorter { return sorter{} }
	again := troupe.NewAction[Sorter, letter, troupe.None]("sort")
	sort := actorhost.OnQueue(Sort, (*sorter).sort)
	retries := func(r actorhost.Retries) actorhost.Definition {
		return actorhost.Define(state, actorhost.OnQueue(Sort, (*sorter).sort, r))
	}
	for name, test := range map[string]struct {
		definition actorhost.Definition
		text       string
	}{
		"twice":            {actorhost.Define(state, sort, sort), `the queue "sort" is registered twice`},
		"an action too":    {actorhost.Define(state, actorhost.On(again, actorhost.NoOut((*sorter).sort)), sort), "or as an action too"},
		"the other way":    {actorhost.Define(state, sort, actorhost.On(again, actorhost.NoOut((*sorter).sort))), "registered twice"},
		"no handler":       {actorhost.Define(state, actorhost.OnQueue[Sorter, sorter](Sort, nil)), `the queue "sort" has no handler`},
		"no name":          {actorhost.Define(state, actorhost.OnQueue(troupe.NewQueue[Sorter, letter]("a b"), (*sorter).sort)), "is no name"},
		"negative":         {retries(actorhost.Retries{Attempts: -1}), "must not be negative"},
		"first after last": {retries(actorhost.Retries{First: time.Hour}), "longer than the longest"},
		"message": {actorhost.Define(state, actorhost.OnQueue(troupe.NewQueue[Sorter, chan int]("sort"),
			func(*sorter, *actorhost.Context, chan int) error { return nil })), "chan int"},
	} {
		_, err := actorhost.Start(t.Context(), b.Connect(), actorhost.Config{}, test.definition)
		require.ErrorContains(t, err, test.text, name)
	}
}

func TestPushThatIsWrong(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	limit := int(b.Connect().MaxPayload())
	require.ErrorIs(t, troupe.NewQueue[Sorter, letter]("a b").Push(t.Context(), ref, letter{}), troupe.ErrBadInput)
	for _, id := range []string{"a\nb", "x ", strings.Repeat("x", 257)} {
		require.ErrorIs(t, Sort.Push(t.Context(), ref, letter{}, troupe.PushID(id)), troupe.ErrBadInput)
	}
	require.ErrorIs(t, Sort.Push(t.Context(), Sorter{}, letter{}), troupe.ErrBadInput)
	require.ErrorIs(t, Sort.Push(t.Context(), ref, letter{Pad: strings.Repeat("x", limit-1000)}), troupe.ErrTooLarge, "there is no room for headers")
	require.ErrorIs(t, Sort.Push(t.Context(), ref, letter{Pad: strings.Repeat("x", limit)}), troupe.ErrTooLarge)
	_, err := Forward.Call(t.Context(), ref, forwarded{To: "main", Letter: letter{Text: "too many"}, ID: "a\x01"})
	require.ErrorIs(t, err, troupe.ErrBadInput)
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Pad: strings.Repeat("x", limit-6000), Fail: 1}))
	require.Len(t, awaitSorted(t, ref, 1), 1, "what fits can be moved, too")
}

package actorhost_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// A Diary takes letters in order.
type Diary struct{ troupe.Ref }

func (Diary) ActorType() string { return "diary" }

var (
	Jot          = troupe.NewQueueInOrder[Diary, letter]("jot")
	JotElsewhere = troupe.NewAction[Diary, forwarded, troupe.None]("passOn") // pushes to another
	ReadDiary    = troupe.NewAction[Diary, troupe.None, []sorted]("read")
)

type diaryState struct{ Entries []sorted }

func (b *diaryState) jot(c *actorhost.Context, l letter) error {
	q, _ := troupe.QueuedOf(c)
	switch {
	case l.Refuse:
		return errNoAddressee
	case q.Attempt <= l.Fail:
		return &troupe.Error{Code: "no_luck", Message: "not yet"}
	}
	b.Entries = append(b.Entries, sorted{l.Text, q.ID, q.Attempt, q.Pushed, c.RequestID()})
	if l.Text == "close" {
		c.Destroy()
	}
	return nil
}

func (b *diaryState) passOn(c *actorhost.Context, f forwarded) error {
	for i := range max(f.Times, 1) {
		l := f.Letter
		l.Text += fmt.Sprint(i)
		if err := Jot.Push(c, troupe.GetOrCreate[Diary](c, f.To), l); err != nil {
			return err
		}
	}
	return nil
}

func diaryType(retries ...actorhost.Retries) actorhost.ActorType[Diary, diaryState] {
	return actorhost.Define(func() diaryState { return diaryState{} },
		actorhost.OnQueue(Jot, (*diaryState).jot, retries...),
		actorhost.On(JotElsewhere, actorhost.NoOut((*diaryState).passOn)),
		actorhost.On(ReadDiary, actorhost.NoIn(func(b *diaryState, _ *actorhost.Context) ([]sorted, error) { return b.Entries, nil })),
	)
}

func readDiary(t *testing.T, ref Diary) (texts []string) {
	t.Helper()
	entries, err := ReadDiary.Call(context.WithoutCancel(t.Context()), ref, nil)
	require.NoError(t, err)
	for _, one := range entries {
		texts = append(texts, one.Text)
	}
	return texts
}

func awaitDiary(t *testing.T, ref Diary, n int) (texts []string) {
	t.Helper()
	require.Eventually(t, func() bool { texts = readDiary(t, ref); return len(texts) >= n }, 30*time.Second, 10*time.Millisecond)
	return texts
}

func upTo(n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprint(i))
	}
	return texts
}

// messagesLeft is how many messages the stream of queues in order has.
func messagesLeft(t *testing.T, b *hosttest.Bus) uint64 {
	t.Helper()
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	stream, err := js.Stream(context.WithoutCancel(t.Context()), "troupe-inorder")
	require.NoError(t, err)
	return stream.CachedInfo().State.Msgs
}

func TestQueueInOrder(t *testing.T) {
	t.Parallel()
	const many = 300
	b := hosttest.Start(t, diaryType())
	b.Host(diaryType()) // two hosts share the feed
	ref := troupe.GetOrCreate[Diary](b.Client, "main")
	for i := range many {
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: fmt.Sprint(i)}))
	}
	require.Equal(t, upTo(many), awaitDiary(t, ref, many))
	require.Eventually(t, func() bool { return messagesLeft(t, b) == 0 }, 30*time.Second, 10*time.Millisecond)
}

// virtualDiary runs a test with diaries in virtual time.
func virtualDiary(t *testing.T, test func(t *testing.T, b *hosttest.Bus, ref Diary), retries ...actorhost.Retries) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, diaryType(retries...))
		test(t, b, troupe.GetOrCreate[Diary](b.Client, "main"))
	})
}

func TestMessageInOrderHoldsUpOthers(t *testing.T) {
	virtualDiary(t, func(t *testing.T, b *hosttest.Bus, ref Diary) {
		t.Helper()
		other := troupe.GetOrCreate[Diary](b.Client, "other")
		for _, one := range []letter{{Text: "0"}, {Text: "1", Fail: 3}, {Text: "2"}, {Text: "3", Fail: 1}, {Text: "4"}} {
			require.NoError(t, Jot.Push(t.Context(), ref, one))
		}
		require.NoError(t, Jot.Push(t.Context(), other, letter{Text: "0"}))
		advance(6500 * time.Millisecond) // 1, 2 and 4 s later
		require.Equal(t, upTo(1), readDiary(t, ref))
		require.Equal(t, upTo(1), readDiary(t, other), "it holds up nobody else")
		advance(time.Second)
		require.Equal(t, upTo(3), readDiary(t, ref))
		advance(1500 * time.Millisecond)
		require.Equal(t, upTo(5), readDiary(t, ref))
		advance(time.Second)
		require.Zero(t, messagesLeft(t, b))
	})
}

func deadInDiary(t *testing.T, ref Diary) (all []troupe.DeadLetter[letter]) {
	t.Helper()
	for dead, err := range Jot.Dead(context.WithoutCancel(t.Context()), ref) {
		require.NoError(t, err)
		all = append(all, dead)
	}
	return all
}

func TestMessageInOrderIsGivenUp(t *testing.T) {
	virtualDiary(t, func(t *testing.T, b *hosttest.Bus, ref Diary) {
		t.Helper()
		for _, one := range []letter{{Text: "0"}, {Text: "x", Refuse: true}, {Text: "1"}, {Text: "y", Fail: 3}, {Text: "2"}} {
			require.NoError(t, Jot.Push(t.Context(), ref, one))
		}
		advance(500 * time.Millisecond)
		require.Equal(t, upTo(2), readDiary(t, ref))
		dead := deadInDiary(t, ref)
		require.Len(t, dead, 1)
		require.Equal(t, "x", dead[0].Message.Text)
		require.Equal(t, "refused: return to sender", dead[0].Error)
		require.Equal(t, 1, dead[0].Attempt)
		advance(time.Second)
		require.Equal(t, upTo(3), readDiary(t, ref))
		dead = deadInDiary(t, ref)
		require.Len(t, dead, 2)
		require.Equal(t, 2, dead[1].Attempt)
		require.Equal(t, "no_luck: not yet", dead[1].Error)

		found, err := Jot.Retry(t.Context(), ref, dead[1].ID) // at the end, where it fails twice again
		require.NoError(t, err)
		require.True(t, found)
		require.Len(t, deadInDiary(t, ref), 1)
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: "3"}))
		advance(4 * time.Second)
		require.Len(t, deadInDiary(t, ref), 2)
		require.Equal(t, upTo(4), readDiary(t, ref))
		require.Zero(t, messagesLeft(t, b))
	}, actorhost.Retries{Attempts: 2})
}

func TestMessageInOrderHasATime(t *testing.T) {
	virtualDiary(t, func(t *testing.T, _ *hosttest.Bus, ref Diary) {
		t.Helper()
		began := time.Now()
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: "0"}, troupe.NotBefore(began.Add(time.Hour))))
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: "1"}))
		advance(time.Hour - time.Second)
		require.Empty(t, readDiary(t, ref), "it holds its place")
		advance(2 * time.Second)
		require.Equal(t, upTo(2), readDiary(t, ref))
	})
}

func TestMessageInOrderWithAnID(t *testing.T) {
	virtualDiary(t, func(t *testing.T, b *hosttest.Bus, ref Diary) {
		t.Helper()
		for range 3 {
			require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: "0"}, troupe.PushID("17")))
			advance(3 * time.Minute)
		}
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: "1"}))
		advance(time.Second)
		require.Equal(t, upTo(2), readDiary(t, ref))
		require.Zero(t, messagesLeft(t, b))
	})
}

func TestTurnPushesInOrder(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, diaryType())
	ref, other := troupe.GetOrCreate[Diary](b.Client, "main"), troupe.GetOrCreate[Diary](b.Client, "other")
	_, err := JotElsewhere.Call(t.Context(), ref, forwarded{To: "other", Times: 100})
	require.NoError(t, err)
	require.Equal(t, upTo(100), awaitDiary(t, other, 100))
}

func TestFullQueueInOrder(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.HostWith(actorhost.Config{QueueLength: 3}, diaryType())
	ref := troupe.GetOrCreate[Diary](b.Client, "main")
	b.Stop(host)
	for i := range 3 {
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: fmt.Sprint(i)}))
	}
	require.ErrorIs(t, Jot.Push(t.Context(), ref, letter{Text: "3"}), troupe.ErrOverloaded)
	b.HostWith(actorhost.Config{}, diaryType())
	require.Equal(t, upTo(3), awaitDiary(t, ref, 3))
}

func TestTurnPushesToAFullQueueInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		b.HostWith(actorhost.Config{QueueLength: 3}, diaryType())
		ref, other := troupe.GetOrCreate[Diary](b.Client, "main"), troupe.GetOrCreate[Diary](b.Client, "other")
		require.NoError(t, Jot.Push(t.Context(), other, letter{Text: "first", Fail: 3}))
		_, err := JotElsewhere.Call(t.Context(), ref, forwarded{To: "other", Times: 10})
		require.NoError(t, err, "what an actor pushes waits until there is room")
		advance(5 * time.Minute)
		require.ElementsMatch(t, append(upTo(10), "first"), readDiary(t, other))
		require.Zero(t, messagesLeft(t, b))
	})
}

func TestAnyClientCanPushInOrder(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, diaryType())
	nc := b.Connect()
	for i := range 5 {
		reply, err := nc.Request("troupe.inorder.diary.main.jot", fmt.Appendf(nil, `{"text":"%d"}`, i), 10*time.Second)
		require.NoError(t, err)
		require.NotContains(t, string(reply.Data), "error")
	}
	require.Equal(t, upTo(5), awaitDiary(t, troupe.GetOrCreate[Diary](b.Client, "main"), 5))
}

func TestMessageInOrderForAnActorThatMustExist(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, diaryType())
	missing, made := troupe.Get[Diary](b.Client, "main"), troupe.GetOrCreate[Diary](b.Client, "main")
	require.NoError(t, Jot.Push(t.Context(), missing, letter{Text: "nobody"}))
	require.Eventually(t, func() bool { return len(deadInDiary(t, missing)) == 1 }, 30*time.Second, 10*time.Millisecond)
	_, err := ReadDiary.Call(t.Context(), missing, nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	require.NoError(t, Jot.Push(t.Context(), made, letter{Text: "0"}))
	require.NoError(t, Jot.Push(t.Context(), missing, letter{Text: "1"}))
	require.Equal(t, upTo(2), awaitDiary(t, made, 2))
	require.Contains(t, deadInDiary(t, missing)[0].Error, "not_found")
}

func TestMessageOnTheOtherSubjectGetsAPlace(t *testing.T) {
	virtualDiary(t, func(t *testing.T, b *hosttest.Bus, ref Diary) {
		t.Helper()
		plain := troupe.NewQueue[Diary, letter]("jot")
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: "0", Fail: 1}))
		require.NoError(t, plain.Push(t.Context(), ref, letter{Text: "2"}, troupe.NotBefore(time.Now().Add(time.Minute))))
		require.NoError(t, plain.Push(t.Context(), ref, letter{Text: "1"}))
		advance(500 * time.Millisecond)
		require.Empty(t, readDiary(t, ref), "it is behind the one that has failed")
		advance(2 * time.Second)
		require.Equal(t, upTo(2), readDiary(t, ref))
		advance(time.Minute)
		require.Equal(t, upTo(3), readDiary(t, ref))
		require.Zero(t, messagesLeft(t, b))
	})
}

func TestAdvanceHasMessagesInOrderHandled(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, diaryType(actorhost.Retries{Attempts: 10}))
	ref := troupe.GetOrCreate[Diary](b.Client, "main")
	for _, one := range []letter{{Text: "0"}, {Text: "1", Fail: 8}, {Text: "x", Fail: 10}, {Text: "2"}} {
		require.NoError(t, Jot.Push(t.Context(), ref, one))
	}
	b.Advance(time.Second)
	require.Equal(t, upTo(1), readDiary(t, ref))
	b.Advance(24 * time.Hour)
	require.Equal(t, upTo(3), readDiary(t, ref))
	require.Len(t, deadInDiary(t, ref), 1)
	require.Zero(t, b.NextDue())
}

// ringFor tells a diary of messages, as a host does, and returns how far it has come.
func ringFor(t *testing.T, b *hosttest.Bus, ref Diary, bell wire.Bell) (passed wire.Passed) {
	t.Helper()
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{
		ID: ref.ID(), Action: wire.QueuedAction, In: wire.QueuedBatch{Queue: "jot", Bell: &bell}, Out: &passed,
	}))
	return passed
}

// TestDiaryKnowsItsPlace has messages that were handled come again: those of a host that has died before it could delete them, and
// those of a stream that was put back to an older copy, or made anew.
func TestDiaryKnowsItsPlace(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	plain := troupe.NewQueue[Diary, letter]("jot") // so nobody rings but this test
	diaries := actorhost.Define(func() diaryState { return diaryState{} }, actorhost.OnQueue(plain, (*diaryState).jot),
		actorhost.On(ReadDiary, actorhost.NoIn(func(b *diaryState, _ *actorhost.Context) ([]sorted, error) { return b.Entries, nil })))
	host := b.Host(diaries)
	ref := troupe.GetOrCreate[Diary](b.Client, "main")
	require.Empty(t, ringFor(t, b, ref, wire.Bell{Again: true}))
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "troupe-inorder")
	require.NoError(t, err)
	push := func(text string) wire.Bell {
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: text}))
		msg, err := stream.GetLastMsgForSubject(t.Context(), "troupe.inorder.diary.main.jot")
		require.NoError(t, err)
		return wire.Bell{Sequence: msg.Sequence, Stored: msg.Time.UnixNano()}
	}
	first := push("0")
	second := push("1")
	passed := ringFor(t, b, ref, second)
	require.Equal(t, wire.Passed{Sequence: 2, Stored: second.Stored, Done: []uint64{1, 2}}, passed)
	for range 2 {
		require.Empty(t, ringFor(t, b, ref, first).Done)
		require.Equal(t, []uint64{1, 2}, ringFor(t, b, ref, wire.Bell{Again: true}).Done, "somebody is to delete them")
		b.Stop(host)
		host = b.Host(diaries)
	}
	msg := nats.NewMsg("troupe.route.diary.main." + wire.QueuedAction)
	msg.Data = fmt.Appendf(nil, `{"queue":"jot","bell":{"seq":2,"time":%d}}`, second.Stored)
	msg.Header = nats.Header{"Troupe-Request-Id": {"x"}, wire.HeaderAttempt: {"2"}}
	reply, err := b.Connect().RequestMsg(msg, 10*time.Second)
	require.NoError(t, err)
	require.Contains(t, string(reply.Data), `"done":[1,2]`, "an answer may have been lost")
	require.Equal(t, upTo(2), readDiary(t, ref))
	_ = push("2")
	passed = ringFor(t, b, ref, wire.Bell{Again: true})
	require.Equal(t, []uint64{1, 2}, passed.Done)
	require.True(t, passed.More, "first those go that are left")
	require.NoError(t, stream.Purge(t.Context()))

	require.NoError(t, js.DeleteStream(t.Context(), "troupe-inorder"))
	require.Eventually(t, func() bool {
		stream, err = js.Stream(t.Context(), "troupe-inorder")
		return err == nil
	}, 30*time.Second, 10*time.Millisecond, "it is made again")
	third := push("2")
	require.EqualValues(t, 1, third.Sequence)
	require.Equal(t, []uint64{1}, ringFor(t, b, ref, third).Done)
	require.Equal(t, upTo(3), readDiary(t, ref))
}

// TestDiaryThatIsClosedKeepsItsPlace has an actor destroy itself as it handles a message, and another host tell of the same messages
// before they are deleted.
func TestDiaryThatIsClosedKeepsItsPlace(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	plain := troupe.NewQueue[Diary, letter]("jot") // so nobody rings but this test
	b.Host(actorhost.Define(func() diaryState { return diaryState{} }, actorhost.OnQueue(plain, (*diaryState).jot),
		actorhost.On(ReadDiary, actorhost.NoIn(func(b *diaryState, _ *actorhost.Context) ([]sorted, error) { return b.Entries, nil }))))
	ref := troupe.GetOrCreate[Diary](b.Client, "main")
	_ = ringFor(t, b, ref, wire.Bell{Again: true})
	for _, text := range []string{"0", "close", "1"} {
		require.NoError(t, Jot.Push(t.Context(), ref, letter{Text: text}))
	}
	passed := ringFor(t, b, ref, wire.Bell{Again: true})
	require.Equal(t, []uint64{1, 2}, passed.Done)
	require.True(t, passed.More)
	require.Equal(t, passed.Done, ringFor(t, b, ref, wire.Bell{Again: true}).Done, "they are not for the next one")
	require.Equal(t, []uint64{3}, ringFor(t, b, ref, wire.Bell{Sequence: 3, Stored: time.Now().UnixNano()}).Done)
	require.Equal(t, []string{"1"}, readDiary(t, ref))
}

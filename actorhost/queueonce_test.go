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
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// handOver hands messages over as a host does, and returns what has become of them.
func handOver(ctx context.Context, cl *client.Client, ref Sorter, batch wire.QueuedBatch) (replies []wire.QueuedReply, err error) {
	batch.Queue = "sort"
	for i := range batch.Messages {
		m := &batch.Messages[i]
		m.Attempt, m.Sequence = max(m.Attempt, 1), max(m.Sequence, 1)
		if m.Body == nil {
			m.Body, _ = codec.MsgPack.Append(nil, letter{Text: m.ID})
		}
	}
	err = cl.Invoke(ctx, troupe.Invocation{ID: ref.ID(), Action: wire.QueuedAction, In: batch, Out: &replies})
	if len(replies) == 1 && replies[0].Err() != nil {
		err = replies[0].Err()
	}
	return replies, err
}

// forgetAnswers takes from a record what the actor remembers of calls, as time does.
func forgetAnswers(t *testing.T, b *hosttest.Bus, ref Sorter) {
	t.Helper()
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	kv, err := js.KeyValue(t.Context(), "troupe-actors")
	require.NoError(t, err)
	entry, err := kv.Get(t.Context(), ref.ID().Tokens())
	require.NoError(t, err)
	r, err := record.Decode(entry.Value(), entry.Revision())
	require.NoError(t, err)
	r.Forget()
	_, err = kv.Update(t.Context(), ref.ID().Tokens(), r.Append(nil), entry.Revision())
	require.NoError(t, err)
}

func TestMessageIsNotHandledTwice(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	again := func(id string, acked ...string) int {
		t.Helper()
		_, err := handOver(t.Context(), b.Client, ref, wire.QueuedBatch{Messages: []wire.Queued{{ID: id}}, Acked: acked})
		require.NoError(t, err)
		return len(readSorted(t, ref))
	}
	first := b.Host(sorterType())
	require.Equal(t, 1, again("a"))
	require.Equal(t, 1, again("a"))
	require.Equal(t, 2, again("b"))
	b.Stop(first)
	forgetAnswers(t, b, ref)
	second := b.Host(sorterType())
	require.Equal(t, 2, again("a"), "it may come again")
	require.Equal(t, 3, again("c", "a", "none"))
	require.Equal(t, 4, again("d", "c"))
	require.Equal(t, 4, again("c"), "it cannot come again, and does, from a host that was away")
	b.Stop(second)
	forgetAnswers(t, b, ref)
	b.Host(sorterType())
	require.Equal(t, 4, again("b"))
	require.Equal(t, 5, again("c"), "much later nobody keeps it in mind")
}

func TestMessagesComeTogether(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	body := func(l letter) (data []byte) { data, _ = codec.MsgPack.Append(nil, l); return data }
	batch := wire.QueuedBatch{Messages: []wire.Queued{
		{ID: "a"}, {ID: "b", Body: body(letter{Refuse: true})}, {ID: "c", Body: body(letter{Fail: 9})}, {ID: "a"}, {ID: "d"},
		{ID: "e", Body: []byte{0xc1}}, {ID: "f"},
	}}
	for range 2 {
		replies, err := handOver(t.Context(), b.Client, ref, batch)
		require.NoError(t, err)
		require.Equal(t, []wire.QueuedReply{
			{}, {Dead: "refused: return to sender"}, {Code: "no_luck", Error: "not yet"}, {}, {},
		}, replies, "what this program cannot read is to come first, and so is what is after it")
	}
	_, err := handOver(t.Context(), b.Client, ref, wire.QueuedBatch{Messages: batch.Messages[5:]})
	require.ErrorIs(t, err, troupe.ErrBadInput)
	require.Len(t, readSorted(t, ref), 2)
}

// TestMessageIsHandledOrGivenUp has a message handed over again by a host that does not know what became of it.
func TestMessageIsHandledOrGivenUp(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	hand := func(m wire.Queued, l letter) string {
		t.Helper()
		var err error
		m.Body, err = codec.MsgPack.Append(nil, l)
		require.NoError(t, err)
		replies, err := handOver(t.Context(), b.Client, ref, wire.QueuedBatch{Messages: []wire.Queued{m}})
		require.NoError(t, err)
		return replies[0].Dead
	}
	require.Equal(t, "refused: return to sender", hand(wire.Queued{ID: "a", Attempt: 1}, letter{Refuse: true}))
	require.Equal(t, "refused: return to sender", hand(wire.Queued{ID: "a", Attempt: 1}, letter{}), "it is not handled after that")
	require.Empty(t, hand(wire.Queued{ID: "a", Attempt: 1, Life: 1}, letter{}), "unless it is to be handled again")
	require.Equal(t, "no_luck: not yet", hand(wire.Queued{ID: "b", Attempt: 1, Last: true}, letter{Fail: 1}))
	require.Equal(t, "no_luck: not yet", hand(wire.Queued{ID: "b", Attempt: 2}, letter{}))
	require.Equal(t, "enough", hand(wire.Queued{ID: "c", Attempt: 2, GiveUp: "enough"}, letter{}))
	require.Equal(t, "enough", hand(wire.Queued{ID: "c", Attempt: 2}, letter{}))
	require.Empty(t, hand(wire.Queued{ID: "d", Attempt: 1}, letter{}))
	require.Empty(t, hand(wire.Queued{ID: "d", Attempt: 2, GiveUp: "enough"}, letter{}), "it was handled")
	require.Len(t, readSorted(t, ref), 2)
}

func TestActorKeepsFewMessagesInMind(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	for range record.MaxDone { // which nobody takes
		_, err := js.Publish(t.Context(), "troupe.queue.nobody.x.y", nil)
		require.NoError(t, err)
	}
	hand := func(ctx context.Context, id string, sequence int) error {
		_, err := handOver(ctx, b.Client, ref, wire.QueuedBatch{Messages: []wire.Queued{{ID: id, Sequence: uint64(sequence)}}})
		return err
	}
	for i := range record.MaxDone {
		require.NoError(t, hand(t.Context(), fmt.Sprint("m", i), i+1))
	}
	require.ErrorIs(t, hand(t.Context(), "more", 1000), troupe.ErrUnavailable)
	stream, err := js.Stream(t.Context(), "troupe-queue")
	require.NoError(t, err)
	require.NoError(t, stream.DeleteMsg(t.Context(), 7))
	require.NoError(t, hand(t.Context(), "more", 1000))
	require.Len(t, readSorted(t, ref), record.MaxDone+1)
	require.NoError(t, stream.Purge(t.Context()))
	for i := range 2 * record.MaxDone {
		require.NoError(t, hand(t.Context(), fmt.Sprint("n", i), i+1))
	}
	require.Len(t, readSorted(t, ref), 3*record.MaxDone+1)
}

// TestMessageThatWasMovedIsNotHandled has a host die that has moved a message, before it could ack it.
func TestMessageThatWasMovedIsNotHandled(t *testing.T) {
	for place, subject := range map[string]string{
		"it is a dead letter":        "dead",
		"it has waited":              "ripe",
		"it waits":                   "later",
		"it is another dead letter":  "",
		"it is nowhere, and handled": "none",
	} {
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				host := b.Host(sorterType())
				advance(time.Second) // it opens its feeds
				b.Stop(host)
				ref := troupe.GetOrCreate[Sorter](b.Client, "main")
				require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "moved"}, troupe.PushID("1")))
				js, err := jetstream.New(b.Connect())
				require.NoError(t, err)
				consumer, err := js.Consumer(t.Context(), "troupe-queue", "queue-sorter")
				require.NoError(t, err)
				batch, err := consumer.Fetch(1)
				require.NoError(t, err)
				taken := <-batch.Messages()
				require.NotNil(t, taken)
				meta, err := taken.Metadata()
				require.NoError(t, err)
				moved := &nats.Msg{Data: taken.Data(), Header: nats.Header{
					wire.HeaderPushed: {meta.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z07:00")}, wire.HeaderAttempts: {"1"},
				}}
				tokens := "sorter.main.sort." + wire.MessageID(taken.Headers(), meta.Timestamp, meta.Sequence.Stream)
				handled := 1
				switch subject {
				case "":
					moved.Header.Set(wire.HeaderPushed, "2000-01-01T00:00:00Z")
					moved.Subject = "troupe.dead." + tokens
					moved.Header.Set(wire.HeaderPushed, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
				case "none":
				case "later":
					moved.Header.Set("Nats-Schedule", "@at "+time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano))
					moved.Header.Set("Nats-Schedule-Target", "troupe.ripe."+tokens)
					moved.Subject = "troupe.later." + tokens
				case "dead":
					handled = 0
					moved.Subject = "troupe.dead." + tokens
				default:
					moved.Subject = "troupe." + subject + "." + tokens
				}
				if moved.Subject != "" {
					_, err = js.PublishMsg(t.Context(), moved)
					require.NoError(t, err)
				}
				b.Host(sorterType())
				advance(2 * time.Minute)
				all := readSorted(t, ref)
				require.Len(t, all, handled)
				if subject == "later" || subject == "ripe" {
					require.Equal(t, 2, all[0].Attempt, "it is that which was moved")
				}
				info, err := consumer.Info(t.Context())
				require.NoError(t, err)
				require.Zero(t, info.NumAckPending, "it was acked")
				require.Zero(t, info.NumPending)
			})
		})
	}
}

func TestMessageWaitsForAProgramWithTheQueue(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	old := actorhost.Define(func() sorter { return sorter{} },
		actorhost.OnQueue(troupe.NewQueue[Sorter, letter]("older"), (*sorter).sort),
		actorhost.On(ReadSorted, actorhost.NoIn(func(s *sorter, _ *actorhost.Context) ([]sorted, error) { return s.Sorted, nil })))
	b.Host(old)
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	require.Empty(t, readSorted(t, ref)) // it is awake where the queue is not known
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "early"}))
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	require.Eventually(t, func() bool { // it waits elsewhere
		stream, err := js.Stream(t.Context(), "troupe-later")
		if err != nil {
			return false
		}
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs > 0
	}, 30*time.Second, 10*time.Millisecond)
	require.Empty(t, deadLetters(t, ref))
	b.Host(sorterType())
	require.Len(t, awaitSorted(t, ref, 1), 1)
	for i := range 20 {
		require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: fmt.Sprint(i)}))
	}
	require.Len(t, awaitSorted(t, ref, 21), 21)
	require.Empty(t, deadLetters(t, ref))
}

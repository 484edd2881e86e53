package actorhost_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestStuckActorHoldsUpNobody has more messages wait for an actor that never comes to an end than a host has in hand. They wait where
// they are not unacknowledged, and messages of others are handled.
func TestStuckActorHoldsUpNobody(t *testing.T) {
	t.Parallel()
	takesLong(t)
	const many, others = 1000, 50
	var handled atomic.Int64
	release := make(chan struct{})
	b := hosttest.Start(t, tallies(&handled, release))
	stuck := troupe.GetOrCreate[tally](b.Client, "stuck")
	for range many {
		require.NoError(t, countIt.Push(t.Context(), stuck, tallied{Stuck: true}))
	}
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	waiting, err := js.Stream(t.Context(), "troupe-queue")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := waiting.Info(t.Context())
		return err == nil && info.State.Msgs <= 256
	}, 30*time.Second, 10*time.Millisecond, "what there is no room for is moved")
	began := time.Now()
	for i := range others {
		require.NoError(t, countIt.Push(t.Context(), troupe.GetOrCreate[tally](b.Client, fmt.Sprint(i)), tallied{}))
	}
	require.Eventually(t, func() bool { return handled.Load() == others }, 30*time.Second, 5*time.Millisecond)
	t.Logf("%d others took %v", others, time.Since(began))
	for _, name := range []string{"queue-tally", "ripe-tally"} {
		stream := map[string]string{"queue-tally": "troupe-queue", "ripe-tally": "troupe-later"}[name]
		consumer, err := js.Consumer(t.Context(), stream, name)
		require.NoError(t, err)
		require.Less(t, consumer.CachedInfo().NumAckPending, 1000, name)
	}
	close(release)
	b.Advance(time.Hour) // what waits comes
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	left, err := store.QueueCounts(t.Context(), b.Connect(), ns, "tally")
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestQueuesWhoseStreamsAreGone has all of them be deleted under a host.
func TestQueuesWhoseStreamsAreGone(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType(actorhost.Retries{First: 100 * time.Millisecond}))
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "before"}))
	awaitSorted(t, ref, 1)
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	for _, name := range []string{"troupe-queue", "troupe-later", "troupe-dead"} {
		require.NoError(t, js.DeleteStream(t.Context(), name))
	}
	for _, one := range []letter{{Text: "after", Fail: 1}, {Text: "refused", Refuse: true}} {
		require.Eventually(t, func() bool { return Sort.Push(t.Context(), ref, one) == nil }, 30*time.Second, 10*time.Millisecond)
	}
	all := awaitSorted(t, ref, 2)
	require.Equal(t, "after", all[1].Text)
	require.Equal(t, 2, all[1].Attempt)
	require.Eventually(t, func() bool { return len(deadLetters(t, ref)) == 1 }, 30*time.Second, 10*time.Millisecond)
}

func TestMessageForAnActorThatMustExist(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	missing := troupe.Get[Sorter](b.Client, "missing")
	require.NoError(t, Sort.Push(t.Context(), missing, letter{Text: "nobody"}))
	require.Eventually(t, func() bool { return len(deadLetters(t, missing)) == 1 }, 30*time.Second, 10*time.Millisecond)
	_, err := ReadSorted.Call(t.Context(), missing, nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	require.Contains(t, deadLetters(t, missing)[0].Error, "not_found")
}

func TestMessageForNoQueueIsTold(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	var logged bustest.Log
	b.HostWith(actorhost.Config{Logger: slog.New(slog.NewTextHandler(&logged, nil))}, sorterType())
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "troupe.queue.sorter.main.no$name", nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(logged.String(), "a message is dropped") }, 30*time.Second, 10*time.Millisecond)
	require.Contains(t, logged.String(), "troupe.queue.sorter.main.no$name")
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "after it"}))
	awaitSorted(t, ref, 1)
}

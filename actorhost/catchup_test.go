package actorhost_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// Nobody calls the press or the critic meanwhile, and the press publishes nothing. Its next page tells of no other gap.
func TestLostEventsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(s *storage){
		"deleted": func(s *storage) {
			js, err := jetstream.New(s.nc)
			require.NoError(s.t, err)
			require.NoError(s.t, js.DeleteStream(s.t.Context(), "troupe-events"))
		},
		"put back": func(s *storage) { s.putBack("troupe-events") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStorage(t)
			var fails atomic.Bool
			told := make(chan troupe.Gap, 10)
			host, err := actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Logger: s.config.Logger}, fickleCritics(&fails, told))
			require.NoError(t, err)
			t.Cleanup(func() { _ = host.Stop(context.Background()) }) // the lease may be gone
			require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](s.client, "ann"), "times"))
			s.awaitRead(s.publish(3))
			awaitReviews(t, s.client, "ann", "1", "2", "3")
			s.keep()
			fails.Store(true)
			s.awaitRead(s.publish(3))
			lose(s)
			began := time.Now()
			gap := awaitGap(t, told)
			t.Logf("told after %v", time.Since(began))
			require.Equal(t, "press/times 3 7", fmt.Sprint(gap.Actor, " ", gap.After.Sequence, " ", gap.Before.Sequence))
			fails.Store(false)
			s.awaitRead(s.publish(1))
			awaitReviews(t, s.client, "ann", "1", "2", "3", "7")
			require.Empty(t, told)
		})
	}
}

func awaitGap(t *testing.T, told <-chan troupe.Gap) troupe.Gap {
	t.Helper()
	select {
	case gap := <-told:
		return gap
	case <-time.After(30 * time.Second):
		require.Fail(t, "nobody has told of a gap")
		return troupe.Gap{}
	}
}

// fickleCritics review nothing while they fail.
func fickleCritics(fails *atomic.Bool, told chan<- troupe.Gap) actorhost.Definition {
	return critics(func(context.Context, string, int) error { return refuse(fails.Load()) }).
		OnGap(func(_ *criticState, _ *actorhost.Context, gap troupe.Gap) error { told <- gap; return nil })
}

// The record of a reader is put back, and the log is not: the reader reads again what it does not know any more.
func TestFollowerThatWentBackReadsAtOnce(t *testing.T) {
	t.Parallel()
	s := startStorage(t)
	s.awaitRead(s.publish(5))
	s.keep()
	s.awaitRead(s.publish(5))
	s.putBack("KV_troupe-actors", "troupe-journal")
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		read, err := seenPages.Call(ctx, s.reader(), nil)
		return err == nil && missing(read, 10) == nil
	}, 20*time.Second, 20*time.Millisecond)
}

// Events come while the index does not say who follows.
func TestFollowerThatTheIndexHadForgotten(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, append(pressAndReader, critics(reads))...)
	require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "times"))
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	index, err := js.Stream(t.Context(), "KV_troupe-subscriptions")
	require.NoError(t, err)
	require.NoError(t, index.Purge(t.Context()))
	require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, "times"), 3))
	awaitDelivered(t, b.Connect())
	require.NoError(t, js.DeleteStream(t.Context(), "KV_troupe-subscriptions"))
	awaitReviews(t, b.Client, "ann", "1", "2", "3")
}

// awaitDelivered waits until all events of the log are acked.
func awaitDelivered(t *testing.T, nc *nats.Conn) {
	t.Helper()
	wake, err := eventLog(t, nc).Consumer(t.Context(), "wake")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := wake.Info(t.Context())
		return err == nil && info.NumPending == 0 && info.NumAckPending == 0 && info.Delivered.Stream > 0
	}, 20*time.Second, 10*time.Millisecond)
}

// Of many followers only those are woken that have missed something, once each, however many hosts notice.
func TestOnlyThoseWhoMissEventsAreWoken(t *testing.T) {
	t.Parallel()
	const followers, behind = 300, 3
	b := hosttest.Start(t)
	var fails atomic.Bool
	told := make(chan troupe.Gap, followers)
	types := slices.Concat(pressAndReader, []actorhost.Definition{fickleCritics(&fails, told)})
	for range 3 {
		b.Host(types...)
	}
	for i := range followers {
		require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, fmt.Sprint(i)), fmt.Sprint(i)))
		require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, fmt.Sprint(i)), 1))
	}
	nc := b.Connect()
	awaitDelivered(t, nc)
	fails.Store(true)
	for i := range behind {
		require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, fmt.Sprint(i)), 1))
	}
	var noticed sync.Map
	_, err := nc.Subscribe("troupe.*.critic.*._notice", func(msg *nats.Msg) { noticed.Store(msg.Subject, true) })
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-events"))
	for range behind {
		awaitGap(t, told)
	}
	require.NoError(t, nc.Flush())
	noticed.Range(func(subject, _ any) bool {
		require.Regexp(t, `\.[0-2]\._notice$`, subject)
		return true
	})
	require.Empty(t, told)
}

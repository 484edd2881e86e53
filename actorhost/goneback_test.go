package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// gapsTold is how many gaps the live subscriber of a storage was told.
func (s *storage) gapsTold() int {
	_, gaps := s.heard.last()
	return gaps
}

// Nobody calls the actor meanwhile, and it broadcasts nothing. Its next event tells of no other gap.
func TestLostRecordsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(s *storage){
		"deleted": func(s *storage) {
			js, err := jetstream.New(s.nc)
			require.NoError(s.t, err)
			require.NoError(s.t, js.DeleteStream(s.t.Context(), "KV_troupe-actors"))
		},
		"put back":         func(s *storage) { s.putBack("KV_troupe-actors", "troupe-journal") },
		"put back, as all": func(s *storage) { s.putBack(allStreams...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStorage(t)
			var all live // who listens to all presses
			_, err := published.SubscribeAll(t.Context(), troupe.All[press](s.client), all.hear, troupe.OnGap(all.miss))
			require.NoError(t, err)
			s.awaitRead(s.publish(5))
			s.keep()
			s.awaitRead(s.publish(5))
			told := s.gapsTold()
			lose(s)
			began := time.Now()
			require.Eventually(t, func() bool { return s.gapsTold() > told }, 30*time.Second, 10*time.Millisecond)
			t.Logf("told after %v", time.Since(began))
			require.Eventually(t, func() bool { return all.missedOf() == s.press().ID() }, 30*time.Second, 10*time.Millisecond)
			_, allTold := all.last()
			page := s.publish(1)
			for _, heard := range []*live{&s.heard, &all} {
				require.Eventually(t, func() bool { last, _ := heard.last(); return last == page }, 20*time.Second, 10*time.Millisecond)
			}
			require.Equal(t, told+1, s.gapsTold())
			_, gaps := all.last()
			require.Equal(t, allTold, gaps)
		})
	}
}

// Who is not connected when a host says so hears it a little later. In virtual time.
func TestLostRecordsAreToldTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		b.HostWith(actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
		nc := b.Connect()
		told, err := nc.SubscribeSync("troupe.replaced.actors")
		require.NoError(t, err)
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		require.NoError(t, js.DeleteStream(t.Context(), "KV_troupe-actors"))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		n, _, err := told.Pending()
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

// A false alarm has each subscription ask for the last event of its actor, once, and tells nobody anything.
func TestFalseAlarm(t *testing.T) {
	t.Parallel()
	s := startStorage(t)
	var all live
	_, err := published.SubscribeAll(t.Context(), troupe.All[press](s.client), all.hear, troupe.OnGap(all.miss))
	require.NoError(t, err)
	s.awaitRead(s.publish(5))
	asked, err := s.nc.SubscribeSync("troupe.*.press.times._position")
	require.NoError(t, err)
	for range 10 {
		require.NoError(t, s.nc.Publish("troupe.replaced.actors", nil))
	}
	for range 2 { // who listens to one, and who listens to all
		_, err = asked.NextMsg(20 * time.Second)
		require.NoError(t, err)
		for range 3 { // before it is told what the answer means
			s.awaitRead(s.publish(1))
		}
	}
	for { // until the next alarm is heeded
		require.NoError(t, s.nc.Publish("troupe.replaced.actors", nil))
		if _, err = asked.NextMsg(100 * time.Millisecond); err == nil {
			break
		}
		require.ErrorIs(t, err, nats.ErrTimeout)
	}
	require.Zero(t, s.gapsTold())
	require.True(t, slices.IsSorted(s.heard.pages))
	_, gaps := all.last()
	require.Zero(t, gaps)
}

// Many subscriptions ask once each, however many hosts tell, some at a time.
func TestManyListenersAskOnce(t *testing.T) {
	t.Parallel()
	const listeners = 1000
	b := hosttest.Start(t, pressAndReader...)
	var gaps atomic.Int64
	for i := range listeners {
		_, err := published.Subscribe(t.Context(), troupe.GetOrCreate[press](b.Client, fmt.Sprint(i)), func(context.Context, int) error { return nil },
			troupe.OnGap(func(context.Context, troupe.Gap) error { gaps.Add(1); return nil }))
		require.NoError(t, err)
	}
	nc := b.Connect()
	var asked sync.Map
	var questions, known atomic.Int64
	_, err := nc.Subscribe("troupe.route.press.*._position", func(msg *nats.Msg) {
		questions.Add(1)
		if _, again := asked.LoadOrStore(msg.Subject, true); !again {
			known.Add(1)
		}
	})
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	began := time.Now()
	for range 100 {
		require.NoError(t, nc.Publish("troupe.replaced.actors", nil))
	}
	require.Eventually(t, func() bool { return known.Load() == listeners }, 5*time.Minute, 10*time.Millisecond)
	t.Logf("%d questions in %v", questions.Load(), time.Since(began))
	require.NoError(t, nc.Flush())
	require.Less(t, questions.Load(), int64(10*listeners), "a question that waits for long is asked again; of each notice there would be 100")
	require.Zero(t, gaps.Load())
}

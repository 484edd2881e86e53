package wake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

var errFailed = errors.New("failed")

func TestEventReachesItsSubscribers(t *testing.T) {
	t.Parallel()
	s, told := newSystem(t), newActors(succeed)
	s.subscribe("source", "news", "ann", "ben")
	s.subscribe("source", "weather", "other-event")
	s.subscribe("elsewhere", "news", "other-source")
	for range 2 { // hosts that share the work
		s.host(told.call)
	}
	told.await(t, s.broadcast("source", 1), "ann", "ben")
	told.await(t, s.broadcast("source", 500), "ann", "ben")
	s.awaitAcks()
	for _, key := range []string{"ann", "ben"} {
		for _, one := range told.of(key) {
			last := one.notice.Last["news"]
			require.Equal(t, wire.Notice{
				Source: s.id("source").Tokens(), Event: "news", Sequence: one.notice.Sequence,
				Last: map[string]wire.Position{"news": {Epoch: 1, Sequence: last.Sequence}},
			}, one.notice)
			require.NotZero(t, last.Sequence)
		}
		require.LessOrEqual(t, len(told.of(key)), 501)
	}
	require.Empty(t, told.of("other-event"))
	require.Empty(t, told.of("other-source"))
	require.Empty(t, s.logged.String())
}

func TestWhoDoesNotSubscribeLeavesTheIndex(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	told := newActors(func(_ context.Context, key string, _ int) error {
		if key == "gone" {
			return &troupe.Error{Code: troupe.CodeNotFound}
		}
		return nil
	})
	s.subscribe("source", "news", "ann", "gone")
	s.host(told.call)
	told.await(t, s.broadcast("source", 1), "ann", "gone")
	s.awaitAcks()
	left, err := s.index.Of(t.Context(), s.id("source"), "news")
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, s.id("ann"), left[0].ID)
}

func TestFailingSubscriberIsRetriedWithBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSystem(t)
		waits := []float64{1, 2, 4, 8, 16, 30, 30, 30} // seconds
		told := newActors(func(_ context.Context, key string, calls int) error {
			if key == "fails" && calls <= len(waits) {
				return errFailed
			}
			return nil
		})
		s.subscribe("source", "news", "fails", "works")
		s.host(told.call)
		s.broadcast("source", 1)
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
		last := s.broadcast("source", 1)   // which the subscriber has no more calls for
		time.Sleep(3 * time.Minute)        //nolint:forbidigo // virtual time
		s.awaitAcks()
		tries := told.of("fails")
		require.Len(t, tries, len(waits)+1)
		for i, wait := range waits {
			require.InDelta(t, wait, (tries[i+1].after - tries[i].after).Seconds(), 0.5, "%v", tries)
		}
		require.Equal(t, last, tries[len(waits)].notice.Sequence)
		told.await(t, last, "works")
		require.Less(t, told.of("works")[1].after, time.Second, "it is told at once")
		require.Equal(t, 1, strings.Count(s.logged.String(), "\n"), s.logged.String())
		require.Contains(t, s.logged.String(), "actor_key=fails event=news")
	})
}

func TestSubscriberThatHangsHasOneNoticeAndHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hangsFor = 20 * time.Second // longer than the server waits for a sign of life
		s := newSystem(t)
		told := newActors(func(ctx context.Context, key string, calls int) error {
			if key == "hangs" && calls == 1 {
				time.Sleep(hangsFor) //nolint:forbidigo // virtual time
			}
			return nil
		})
		s.subscribe("source", "news", "hangs", "works")
		s.host(told.call)
		first := s.broadcast("source", 1)
		told.await(t, first, "hangs", "works")
		last := s.broadcast("source", 300)
		told.await(t, last, "works")
		require.Less(t, time.Since(told.began), hangsFor)
		require.Len(t, told.of("hangs"), 1)
		time.Sleep(2 * hangsFor) //nolint:forbidigo // virtual time
		synctest.Wait()
		s.awaitAcks()
		calls := told.of("hangs")
		require.Len(t, calls, 2, "one notice is enough for all that came meanwhile")
		require.Equal(t, last, calls[1].notice.Sequence)
		seen := make(map[uint64]bool)
		for _, one := range told.of("works") {
			require.False(t, seen[one.notice.Sequence], "nothing comes again, for all of it is in progress")
			seen[one.notice.Sequence] = true
		}
	})
}

func TestWhatIsInProgressGoesToAnotherHost(t *testing.T) {
	for _, test := range []struct {
		name   string
		end    func(*host)
		within time.Duration
	}{
		{"one that stops", func(h *host) { h.stop() }, 2 * time.Second},
		{"one that dies", func(h *host) { h.nc.Close() }, 6 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSystem(t)
				hung := newActors(func(ctx context.Context, _ string, _ int) error {
					<-ctx.Done()
					return ctx.Err()
				})
				told := newActors(succeed)
				s.subscribe("source", "news", "ann", "ben")
				first := s.host(hung.call)
				last := s.broadcast("source", 1)
				hung.await(t, last, "ann", "ben")
				s.host(told.call)
				time.Sleep(20 * time.Second) //nolint:forbidigo // virtual time
				require.Empty(t, append(told.of("ann"), told.of("ben")...), "as long as the first is at it")

				test.end(first)
				ended := time.Since(told.began)
				told.await(t, last, "ann", "ben")
				require.Less(t, told.of("ben")[0].after-ended, test.within)
				s.awaitAcks()
				require.Empty(t, s.logged.String(), "nobody has failed")
			})
		})
	}
}

// Each of two hosts gets some of the deliveries, and forgets what has failed when the other gets several in a row.
func TestSubscriberThatAlwaysFailsIsLoggedMoreAndMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSystem(t)
		told := newActors(func(context.Context, string, int) error { return errFailed })
		s.subscribe("source", "news", "fails")
		for range 2 {
			s.host(told.call)
		}
		s.broadcast("source", 1)
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time
		lines := strings.Count(s.logged.String(), "a durable subscriber failed")
		require.Greater(t, len(told.of("fails")), 200)
		require.Contains(t, s.logged.String(), "deliveries=1 ")
		require.LessOrEqual(t, lines, 8, s.logged.String()) // at 1, 2, 4, ... 128
	})
}

// TestEventsShareALookUp has a burst of events with very many subscribers: these are not read anew for each.
func TestEventsShareALookUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const subscribers, events = 1500, 300 // more than one request of JetStream may return
		s := newSystem(t)
		told := newActors(func(context.Context, string, int) error { return nil })
		for i := range subscribers {
			s.subscribe("source", "news", fmt.Sprint(i))
		}
		h := s.host(told.call)
		before := h.nc.Stats().InMsgs
		last := s.broadcast("source", events)
		s.awaitAcks()
		require.Less(t, h.nc.Stats().InMsgs-before, uint64(events*subscribers*2/3))
		for i := range subscribers {
			calls := told.of(fmt.Sprint(i))
			require.NotEmpty(t, calls)
			newest := uint64(0)
			for _, one := range calls {
				newest = max(newest, one.notice.Sequence)
			}
			require.Equal(t, last, newest)
		}
	})
}

// TestFollowersOfATypeThatNoHostRunsAreLoggedOnce an hour, however many events there are, and nobody waits for them.
func TestFollowersOfATypeThatNoHostRunsAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSystem(t)
		told := newActors(func(context.Context, string, int) error { return nil })
		s.runs.Store(false)
		s.subscribe("source", "news", "ann", "ben")
		s.host(told.call)
		for range 15 {
			s.broadcast("source", 1)
			time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		}
		require.Equal(t, 1, strings.Count(s.logged.String(), "no host runs actors of its type"))
		require.Empty(t, told.of("ann"))
		s.runs.Store(true)
		s.awaitAcks()
		require.NotEmpty(t, told.of("ann"))
		require.NotEmpty(t, told.of("ben"))
	})
}

package actorhost_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A press publishes pages, and a reader follows presses for good.
type press struct{ troupe.Ref }

func (press) ActorType() string { return "press" }

type reader struct{ troupe.Ref }

func (reader) ActorType() string { return "reader" }

type seen struct {
	From string
	Page int
}

var (
	publish   = troupe.NewAction[press, int, int]("publish")
	published = troupe.NewDurableEvent[press, int]("published")
	pulp      = troupe.NewAction[press, int, troupe.None]("pulp")
	follow    = troupe.NewAction[reader, string, troupe.None]("follow")
	// followMany follows the presses 1, 2, ... up to a number.
	followMany = troupe.NewAction[reader, int, troupe.None]("followMany")

	unfollow  = troupe.NewAction[reader, string, troupe.None]("unfollow")
	seenPages = troupe.NewAction[reader, troupe.None, []seen]("seen")
)

type pressState struct{ Pages int }

func (s *pressState) publish(c *actorhost.Context, n int) (int, error) {
	for range max(n, -n) {
		s.Pages++
		if err := published.Broadcast(c, s.Pages); err != nil {
			return 0, err
		}
	}
	if n < 0 {
		return 0, errRefused
	}
	return s.Pages, nil
}

type readerState struct {
	Seen  []seen
	tries int `json:"-"`
}

// read fails the first time that a page divisible by 10 comes.
func (s *readerState) read(c *actorhost.Context, page int) error {
	d, ok := troupe.DeliveryOf(c)
	if !ok {
		panic("no delivery")
	}
	s.Seen = append(s.Seen, seen{d.Actor.KeyString(), page})
	if s.tries++; page%10 == 0 && s.tries%2 == 0 {
		return errRefused
	}
	return nil
}

var pressAndReader = []actorhost.Definition{
	actorhost.Define(func() pressState { return pressState{} },
		actorhost.On(publish, (*pressState).publish),
		actorhost.On(pulp, actorhost.NoOut(func(s *pressState, c *actorhost.Context, n int) error {
			c.Destroy()
			_, err := s.publish(c, n)
			return err
		}))),
	actorhost.Define(func() readerState { return readerState{} },
		actorhost.On(follow, actorhost.NoOut(func(_ *readerState, c *actorhost.Context, key string) error {
			return published.SubscribeDurable(c, troupe.GetOrCreate[press](c, key))
		})),
		actorhost.On(followMany, actorhost.NoOut(func(_ *readerState, c *actorhost.Context, n int) error {
			for i := 1; i <= n; i++ {
				if err := published.SubscribeDurable(c, troupe.GetOrCreate[press](c, fmt.Sprint(i))); err != nil {
					return err
				}
			}
			return nil
		})),
		actorhost.On(unfollow, actorhost.NoOut(func(_ *readerState, c *actorhost.Context, key string) error {
			return published.UnsubscribeDurable(c, troupe.GetOrCreate[press](c, key))
		})),
		actorhost.On(seenPages, actorhost.NoIn(func(s *readerState, _ *actorhost.Context) ([]seen, error) { return s.Seen, nil }))).
		OnEvents(actorhost.OnEvent(published, (*readerState).read)).
		Config(actorhost.TypeConfig{SleepAfter: time.Second}),
}

// awaitSeen waits until a reader has seen so many pages, and returns them.
func awaitSeen(t *testing.T, who reader, n int) []seen {
	t.Helper()
	var got []seen
	require.Eventually(t, func() bool {
		var err error
		got, err = seenPages.Call(t.Context(), who, nil)
		require.NoError(t, err)
		return len(got) >= n
	}, 3*time.Minute, 5*time.Millisecond)
	return got
}

// pages are those from first to last of a press.
func pages(from string, first, last int) (want []seen) {
	for page := first; page <= last; page++ {
		want = append(want, seen{from, page})
	}
	return want
}

func TestDurableSubscriptionHasEveryEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader...)
	times, who := troupe.GetOrCreate[press](b.Client, "times"), troupe.GetOrCreate[reader](b.Client, "ann")
	require.NoError(t, call(t.Context(), publish, times, 2)) // before it subscribes
	for range 3 {
		require.NoError(t, call(t.Context(), follow, who, "times"))
	}
	require.NoError(t, call(t.Context(), publish, times, 3))
	require.ErrorIs(t, call(t.Context(), publish, times, -4), errRefused)
	require.NoError(t, call(t.Context(), publish, times, 4))
	require.Equal(t, pages("times", 3, 9), awaitSeen(t, who, 7))

	require.NoError(t, call(t.Context(), unfollow, who, "times"))
	require.NoError(t, call(t.Context(), publish, times, 2))
	require.NoError(t, call(t.Context(), follow, who, "times"))
	require.NoError(t, call(t.Context(), publish, times, 1))
	require.Equal(t, append(pages("times", 3, 9), seen{"times", 12}), awaitSeen(t, who, 8))
}

func TestDurableSubscriberIsWokenFromSleepOnAnotherHost(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(pressAndReader...)
	times, who := troupe.GetOrCreate[press](b.Client, "times"), troupe.GetOrCreate[reader](b.Client, "ann")
	require.NoError(t, call(t.Context(), follow, who, "times"))
	b.Stop(first)
	second := b.Host(pressAndReader...)
	require.NoError(t, call(t.Context(), publish, times, 3))
	require.Eventually(t, func() bool { return second.Active() == 2 }, 10*time.Second, time.Millisecond, "nobody has called the reader")
	require.Equal(t, pages("times", 1, 3), awaitSeen(t, who, 3))
}

// TestManySourcesOneDurableSubscriberWhoseHostDies has 1,000 actors broadcast one event each, and kills the subscriber's
// host in the middle: none is lost, none handled twice.
func TestManySourcesOneDurableSubscriberWhoseHostDies(t *testing.T) {
	t.Parallel()
	takesLong(t)
	const sources, callers = 1000, 16
	b := hosttest.Start(t)
	b.Host(pressAndReader[0])
	doomed := b.Host(pressAndReader[1])
	who := troupe.GetOrCreate[reader](b.Client, "ann")
	require.NoError(t, call(t.Context(), followMany, who, sources))
	var all sync.WaitGroup
	var next atomic.Int64
	for range callers {
		all.Go(func() {
			for i := next.Add(1); i <= sources; i = next.Add(1) {
				if err := call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, fmt.Sprint(i)), 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	require.Eventually(t, func() bool { return next.Load() > sources/2 }, 3*time.Minute, time.Millisecond)
	b.Kill(doomed)
	b.Host(pressAndReader[1])
	all.Wait()
	got := awaitSeen(t, who, sources)
	require.Len(t, got, sources)
	froms := make(map[string]bool)
	for _, s := range got {
		froms[s.From] = true
		require.Equal(t, 1, s.Page)
	}
	require.Len(t, froms, sources, "each was handled once")
}

func TestDurableSubscriptionsAreLimited(t *testing.T) {
	t.Parallel()
	const most = 4096
	b := hosttest.Start(t, pressAndReader...)
	who := troupe.GetOrCreate[reader](b.Client, "ann")
	err := call(t.Context(), followMany, who, most+100)
	require.ErrorIs(t, err, troupe.ErrTooLarge)
	require.ErrorContains(t, err, "subscribes to 4096 actors already")
	require.NoError(t, call(t.Context(), followMany, who, most))
	require.NoError(t, call(t.Context(), follow, who, "1"), "subscribing again changes nothing")
	require.ErrorIs(t, call(t.Context(), follow, who, "another"), troupe.ErrTooLarge)
	require.NoError(t, call(t.Context(), unfollow, who, "1"))
	require.NoError(t, call(t.Context(), follow, who, "another"))
}

func TestReplay(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader...)
	times := troupe.GetOrCreate[press](b.Client, "times")
	replayed := func(from troupe.ReplayStart) (got []int, at []time.Time) {
		for kept, err := range published.Replay(t.Context(), times, from) {
			require.NoError(t, err)
			require.EqualValues(t, kept.Payload, kept.Position.Sequence)
			got, at = append(got, kept.Payload), append(at, kept.Time)
		}
		return got, at
	}
	none, _ := replayed(troupe.ReplayStart{})
	require.Empty(t, none)
	require.NoError(t, call(t.Context(), publish, times, 300))
	require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, "post"), 7))
	require.NoError(t, call(t.Context(), publish, times, 300))
	all, at := replayed(troupe.ReplayStart{})
	require.Len(t, all, 600)
	some, _ := replayed(troupe.FromSequence(590))
	require.Equal(t, []int{590, 591, 592, 593, 594, 595, 596, 597, 598, 599, 600}, some)
	later, _ := replayed(troupe.FromTime(at[300]))
	require.Contains(t, later, 600)
	require.NotContains(t, later, 300-1)
}

func TestReplayAcrossLives(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader...)
	times := troupe.GetOrCreate[press](b.Client, "times")
	require.NoError(t, call(t.Context(), publish, times, 3))
	require.NoError(t, call(t.Context(), pulp, times, 1)) // which ends the press
	require.NoError(t, call(t.Context(), publish, times, 2))
	require.NoError(t, call(t.Context(), pulp, times, 1))
	require.NoError(t, call(t.Context(), publish, times, 1))

	all := []int{1, 2, 3, 4, 1, 2, 3, 1}
	replayed := func(from troupe.ReplayStart) (got []int, at []troupe.Position) {
		got = []int{}
		for kept, err := range published.Replay(t.Context(), times, from) {
			require.NoError(t, err)
			got, at = append(got, kept.Payload), append(at, kept.Position)
		}
		return got, at
	}
	got, at := replayed(troupe.ReplayStart{})
	require.Equal(t, all, got)
	for i, p := range at {
		rest, _ := replayed(troupe.FromPosition(p))
		require.Equal(t, all[i:], rest, "from %+v", p)
	}
	later := at[3]
	later.Sequence++ // it was destroyed instead
	for name, c := range map[string]struct {
		from troupe.ReplayStart
		want []int
	}{
		"in the first life":             {troupe.FromSequence(2), all[1:]},
		"the end of the first life":     {troupe.FromSequence(4), all[3:]},
		"after the end of a life":       {troupe.FromSequence(5), all[4:]},
		"after the end, by position":    {troupe.FromPosition(later), all[4:]},
		"after everything, by position": {troupe.FromPosition(troupe.Position{Epoch: math.MaxUint64}), []int{}},
		"sequence and position":         {troupe.ReplayStart{Sequence: 2, Position: at[4]}, all[4:]},
		"zero time":                     {troupe.FromTime(time.Time{}), all},
		"year 1":                        {troupe.FromTime(time.Time{}.Add(time.Hour)), all},
		"1677":                          {troupe.FromTime(time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC)), all},
		"1970":                          {troupe.FromTime(time.Unix(0, 1)), all},
		"tomorrow":                      {troupe.FromTime(time.Now().Add(24 * time.Hour)), []int{}},
		"2262":                          {troupe.FromTime(time.Unix(0, math.MaxInt64)), []int{}},
		"9999":                          {troupe.FromTime(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)), []int{}},
		"12000":                         {troupe.FromTime(time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)), []int{}},
	} {
		got, _ := replayed(c.from)
		require.Equal(t, c.want, got, name)
	}
}

func TestDurableEventIsHeardLive(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader...)
	times := troupe.GetOrCreate[press](b.Client, "times")
	heard := make(chan int, 10)
	_, err := published.Subscribe(t.Context(), times, func(ctx context.Context, page int) error {
		heard <- page
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, call(t.Context(), publish, times, 3))
	require.NoError(t, call(t.Context(), pulp, times, 1)) // which ends the press
	require.NoError(t, call(t.Context(), publish, times, 2))
	for _, want := range []int{1, 2, 3, 4, 1, 2} {
		require.Equal(t, want, <-heard)
	}
}

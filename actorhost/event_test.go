package actorhost_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type bell struct{ troupe.Ref }

func (bell) ActorType() string { return "bell" }

type ear struct{ troupe.Ref }

func (ear) ActorType() string { return "ear" }

var (
	ring   = troupe.NewAction[bell, int, int]("ring")
	rang   = troupe.NewEvent[bell, int]("rang")
	attend = troupe.NewAction[ear, string, troupe.None]("attend")
	heard  = troupe.NewAction[ear, troupe.None, []int]("heard")
)

type bellState struct{ Rings int }

// ring broadcasts and, for a negative number, fails afterwards.
func (s *bellState) ring(c *actorhost.Context, n int) (int, error) {
	for range max(n, -n) {
		s.Rings++
		if err := rang.Broadcast(c, s.Rings); err != nil {
			return 0, err
		}
	}
	if n < 0 {
		return 0, errRefused
	}
	return s.Rings, nil
}

type earState struct{ Heard []int }

func (s *earState) attend(c *actorhost.Context, key string) error {
	_, err := rang.Subscribe(c, troupe.GetOrCreate[bell](c, key), s.hear)
	return err
}

// hear fails at 13, after it has touched the state.
func (s *earState) hear(ctx context.Context, n int) error {
	if _, ok := actorhost.FromContext(ctx); !ok {
		panic("not in a turn")
	}
	s.Heard = append(s.Heard, n)
	if n == 13 {
		return errRefused
	}
	return nil
}

var bellAndEar = []actorhost.Definition{
	actorhost.Define(func() bellState { return bellState{} }, actorhost.On(ring, (*bellState).ring)),
	actorhost.Define(func() earState { return earState{} },
		actorhost.On(attend, actorhost.NoOut((*earState).attend)),
		actorhost.On(heard, actorhost.NoIn(func(s *earState, _ *actorhost.Context) ([]int, error) { return s.Heard, nil }))),
}

func TestProgramHearsWhatIsBroadcastAfterSubscribe(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, bellAndEar...)
	tower := troupe.GetOrCreate[bell](b.Client, "tower")
	got := make(chan int, 100)
	sub, err := rang.Subscribe(t.Context(), tower, func(_ context.Context, n int) error { got <- n; return nil })
	require.NoError(t, err)
	_, err = ring.Call(t.Context(), tower, 3)
	require.NoError(t, err)
	for want := 1; want <= 3; want++ {
		require.Equal(t, want, <-got)
	}
	_, err = ring.Call(t.Context(), tower, -5)
	require.ErrorIs(t, err, errRefused)
	_, err = ring.Call(t.Context(), tower, 1)
	require.NoError(t, err)
	require.Equal(t, 4, <-got, "a failed action broadcasts nothing")

	require.NoError(t, sub.Unsubscribe())
	_, err = ring.Call(t.Context(), tower, 1)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestActorHearsInTurns(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(bellAndEar...)
	b.Host(bellAndEar...)
	tower, listener := troupe.GetOrCreate[bell](b.Client, "tower"), troupe.GetOrCreate[ear](b.Client, "a")
	for range 2 { // subscribing twice is one subscription
		_, err := attend.Call(t.Context(), listener, "tower")
		require.NoError(t, err)
	}
	_, err := ring.Call(t.Context(), tower, 20)
	require.NoError(t, err)
	want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20}
	require.Eventually(t, func() bool {
		got, err := heard.Call(t.Context(), listener, nil)
		require.NoError(t, err)
		return len(got) >= len(want)
	}, 10*time.Second, 5*time.Millisecond)
	got, err := heard.Call(t.Context(), listener, nil)
	require.NoError(t, err)
	require.Equal(t, want, got, "each once, in order, but for the one whose handler failed")
}

func TestBroadcastOfAnotherTypesEventIsRefused(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actorhost.Define(func() earState { return earState{} },
		actorhost.On(attend, actorhost.NoOut(func(_ *earState, c *actorhost.Context, _ string) error {
			if err := rang.Broadcast(c, 1); err != nil {
				return troupe.NewError("refused", err.Error())
			}
			return nil
		}))))
	_, err := attend.Call(t.Context(), troupe.GetOrCreate[ear](b.Client, "a"), "")
	require.ErrorContains(t, err, "ear/a cannot broadcast rang, an event of bell")
}

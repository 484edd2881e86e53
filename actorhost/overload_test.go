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

// TestCallThatNeverStartsSaysSo has a call wait behind another until its time is over.
func TestCallThatNeverStartsSaysSo(t *testing.T) {
	t.Parallel()
	for name, while := range map[string]time.Duration{"pending": time.Second, "before anybody asks": 80 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hall := newDeskHall()
			b := hosttest.Start(t, hall.actors())
			ref := troupe.GetOrCreate[desk](b.Client, "a")
			_, first := signed(t, ref, -1)
			<-hall.enter
			ctx, cancel := context.WithTimeout(t.Context(), while)
			defer cancel()
			_, err := deskSign.Call(ctx, ref, 1)
			require.ErrorIs(t, err, troupe.ErrDeadlineExceeded)
			var failed *troupe.Error
			require.ErrorAs(t, err, &failed)
			require.True(t, failed.Retryable)
			hall.leave <- struct{}{}
			require.NoError(t, <-first)
			names, err := deskNames.Call(t.Context(), ref, nil)
			require.NoError(t, err)
			require.Equal(t, []int{-1}, names)
			require.Zero(t, b.Client.Resent())
		})
	}
}

// TestCallThatRunsAsItsTimeEndsIsUnknown: only what waits can be called off.
func TestCallThatRunsAsItsTimeEndsIsUnknown(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	b := hosttest.Start(t, actorhost.Define(func() deskState { return deskState{} },
		actorhost.On(deskSign, func(s *deskState, _ *actorhost.Context, n int) (troupe.None, error) {
			<-goOn
			s.Names = append(s.Names, n)
			return nil, nil
		}),
		actorhost.On(deskNames, func(s *deskState, _ *actorhost.Context, _ troupe.None) ([]int, error) { return s.Names, nil })))
	ref := troupe.GetOrCreate[desk](b.Client, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := deskSign.Call(ctx, ref, 1)
	require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
	close(goOn)
	names, err := deskNames.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, []int{1}, names)
}

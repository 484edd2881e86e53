package actorhost_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// TestScheduledInputMayBeZero, which is not the same as none.
func TestScheduledInputMayBeZero(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		s := troupe.SchedulerOf(t.Context(), d)
		_, err := Note.After(s, time.Minute, "", troupe.Named("empty"))
		require.NoError(t, err)
		_, err = Trouble.After(s, time.Hour, 0, troupe.Named("zero"))
		require.NoError(t, err)
		_, err = ReadPage.After(s, 2*time.Hour, nil, troupe.Named("none"))
		require.NoError(t, err)
		listed, err := s.Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 3)
		require.Equal(t, []any{"", int64(0), nil}, []any{listed[0].Input, listed[1].Input, listed[2].Input})
		_, err = s.Schedule(troupe.ScheduleRequest{ActorType: "logbook", Action: "trouble", After: time.Minute})
		require.ErrorIs(t, err, troupe.ErrBadInput, "as it would be of a call")
		require.ErrorContains(t, err, "; it takes: whole number")
		advance(2 * time.Minute)
		require.Len(t, entries(t, d), 1)
	})
}

// A time is rounded up to what is stored, so that nothing runs early.
func TestScheduledTimeIsRoundedUp(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		s, at := troupe.SchedulerOf(t.Context(), d), time.Now().UTC().Add(time.Minute)
		for name, within := range map[string]time.Duration{"a": 0, "b": 1, "c": time.Millisecond - 1} {
			_, err := Note.At(s, at.Add(within), "", troupe.Named(name))
			require.NoError(t, err)
		}
		listed, err := s.Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 3)
		require.Equal(t, []time.Time{at, at.Add(time.Millisecond), at.Add(time.Millisecond)},
			[]time.Time{listed[0].Due, listed[1].Due, listed[2].Due})
	})
}

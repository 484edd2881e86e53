package actorhost_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// What is scheduled runs though the records, the alarms or all streams are put back to older copies, and nobody calls. What the
// copy says is scheduled, is.
func TestSchedulesRunThoughStreamsArePutBack(t *testing.T) {
	t.Parallel()
	for name, streams := range map[string][]string{
		"the alarms": {"troupe-due"}, "the records": {"KV_troupe-actors", "troupe-journal"}, "all": append([]string{"troupe-due"}, allStreams...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStorage(t)
			before, after := troupe.GetOrCreate[counter](s.client, "before"), troupe.GetOrCreate[counter](s.client, "after")
			_, err := add.After(troupe.SchedulerOf(t.Context(), before), 10*time.Second, 1)
			require.NoError(t, err)
			s.fallAsleep(before)
			s.keep()
			s.awaitScheduled(before, 1)
			_, err = add.After(troupe.SchedulerOf(t.Context(), after), 8*time.Second, 1)
			require.NoError(t, err)
			s.fallAsleep(after)
			s.putBack(streams...)
			s.awaitScheduled(before, 0)
			if name == "the alarms" { // the records have it
				s.awaitScheduled(after, 0)
				require.Equal(t, 1, s.count(after))
			} else {
				require.Equal(t, 0, s.count(after))
			}
			require.Equal(t, 1, s.count(before))
		})
	}
}

// What has run before the records are put back is scheduled again by them, and runs again: its effect is gone, too.
func TestScheduleThatHasRunRunsInRecordsThatArePutBack(t *testing.T) {
	t.Parallel()
	takesLong(t)
	s := startStorage(t)
	one := troupe.GetOrCreate[counter](s.client, "one")
	_, err := add.After(troupe.SchedulerOf(t.Context(), one), 4*time.Second, 1)
	require.NoError(t, err)
	s.keep()
	s.awaitScheduled(one, 0)
	require.Equal(t, 1, s.count(one))
	s.putBack("KV_troupe-actors", "troupe-journal")
	s.awaitScheduled(one, 0)
	require.Equal(t, 1, s.count(one))
}

func (s *storage) fallAsleep(c counter) {
	s.t.Helper()
	_, err := troupe.NewAction[counter, troupe.None, troupe.None](troupe.SleepAction).Call(s.t.Context(), c, nil)
	require.NoError(s.t, err)
}

// awaitScheduled waits until an actor has so many schedules. That wakes nobody.
func (s *storage) awaitScheduled(c counter, n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		listed, err := troupe.SchedulerOf(ctx, c).Schedules()
		return err == nil && len(listed) == n
	}, 40*time.Second, 50*time.Millisecond)
}

func (s *storage) count(c counter) (n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		var err error
		n, err = get.Call(ctx, c, nil)
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	return n
}

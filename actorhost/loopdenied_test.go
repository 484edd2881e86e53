//go:build !race

package actorhost_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// TestLoopWithoutAMark does not run: nobody would wake its actor if the host died. Calls go on.
func TestLoopWithoutAMark(t *testing.T) {
	t.Parallel()
	runs := make(chan struct{}, 1)
	c := startChanging(t, actorhost.Config{}, rovers(func(l *roverLoop) error {
		runs <- struct{}{}
		<-l.Done()
		return nil
	}))
	c.deny("$KV.troupe-subscriptions._unsent.>")
	r := troupe.GetOrCreate[Rover](c.client, "a")
	require.Zero(t, stepsTaken(t, r))
	require.Eventually(t, func() bool { return c.logged.Contains("marking an actor as one that runs failed") }, 20*time.Second, time.Millisecond)
	require.Empty(t, runs)
	c.deny()
	<-runs
}

// TestPauseWithoutAnAlarm is one in memory, until there can be an alarm.
func TestPauseWithoutAnAlarm(t *testing.T) {
	t.Parallel()
	takesLong(t)
	var runs, rounds atomic.Int64
	c := startChanging(t, actorhost.Config{}, rovers(func(l *roverLoop) error {
		runs.Add(1)
		for l.Pause(time.Second) {
			rounds.Add(1)
		}
		return nil
	}).Config(actorhost.TypeConfig{SleepAfter: 500 * time.Millisecond}))
	c.deny("troupe.alarm.>")
	r := troupe.GetOrCreate[Rover](c.client, "a")
	require.Zero(t, stepsTaken(t, r))
	require.Eventually(t, func() bool { return rounds.Load() >= 3 }, 30*time.Second, time.Millisecond)
	require.LessOrEqual(t, runs.Load(), int64(4))
	require.True(t, c.logged.Contains("setting the alarm of an actor failed"))
	c.deny()
	before := runs.Load()
	require.Eventually(t, func() bool { return runs.Load() > before }, 30*time.Second, time.Millisecond, "the alarm wakes it")
}

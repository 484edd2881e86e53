package actorhost_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// An actor that has nothing scheduled any more has no alarm either: the next schedule needs another one.
func TestAlarmIsSetAgainAfterTheLastHasRung(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, d Logbook){
		"it ran":       func(*testing.T, Logbook) {},
		"it is undone": func(t *testing.T, d Logbook) { t.Helper(); require.True(t, callOf(t, Cancel, d, "first")) },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
				t.Helper()
				_, err := Plan.Call(t.Context(), d, plan{Text: "first", Name: "first", After: time.Second})
				require.NoError(t, err)
				first(t, d)
				advance(2 * time.Second)
				before := len(entries(t, d))
				_, err = Plan.Call(t.Context(), d, plan{Text: "second", After: 20 * time.Second})
				require.NoError(t, err)
				require.NoError(t, sleepNow(t, d))
				advance(25 * time.Second)
				noted := entries(t, d)
				require.Len(t, noted, before+1)
				require.Less(t, noted[before].At.Sub(noted[before].Due), 100*time.Millisecond)
			})
		})
	}
}

// A turn whose alarm is set, but not its record, leaves one that is earlier than what the record names. When that rings, it is
// gone: the next one must be set.
func TestEarlierAlarmThanTheRecordNames(t *testing.T) {
	virtual(t, func(t *testing.T, b *hosttest.Bus, d Logbook) {
		t.Helper()
		_, err := Plan.Call(t.Context(), d, plan{Text: "later", After: 40 * time.Second})
		require.NoError(t, err)
		require.NoError(t, sleepNow(t, d))
		nc := b.Connect()
		ns, err := wire.NewNamespace("")
		require.NoError(t, err)
		records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
		require.NoError(t, err)
		defer func() { require.NoError(t, records.Close()) }()
		_, err = store.NewAlarms(nc, ns, records, store.Settings{}).SetNow(t.Context(), d.ID(), time.Now().Add(10*time.Second).UnixMilli())
		require.NoError(t, err)
		advance(8 * time.Second)
		require.Empty(t, entries(t, d), "and now it is awake")
		advance(4 * time.Second)
		require.NoError(t, sleepNow(t, d))
		advance(30 * time.Second)
		noted := entries(t, d)
		require.Len(t, noted, 1)
		require.Less(t, noted[0].At.Sub(noted[0].Due), 100*time.Millisecond)
	})
}

// A crowd of missed times is cut: the last of them run, and the first of those says how many did not.
func TestRunAllMakesUpForTheLastThousand(t *testing.T) {
	t.Parallel()
	for name, schedule := range map[string]func(s troupe.Scheduler) (string, error){
		"every": func(s troupe.Scheduler) (string, error) {
			return Note.Every(s, time.Second, "tick", troupe.OnMissed(troupe.RunAll), troupe.Named("tick"))
		},
		"cron": func(s troupe.Scheduler) (string, error) {
			return Note.Cron(s, "* * * * * *", "tick", troupe.OnMissed(troupe.RunAll), troupe.Named("tick"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.Host(logbookType())
			d := logbookOf(b, "one")
			_, err := schedule(troupe.SchedulerOf(t.Context(), d))
			require.NoError(t, err)
			due := b.NextDue()
			b.Stop(host)
			b.AdvanceTo(due.Add(1499 * time.Second)) // 1,500 times
			b.Host(logbookType())
			b.AdvanceTo(due.Add(1500 * time.Second))
			require.Eventually(t, func() bool { return len(entries(t, d)) >= troupe.MaxMissed }, time.Minute, 10*time.Millisecond)
			_, err = troupe.SchedulerOf(t.Context(), d).Unschedule("tick")
			require.NoError(t, err)
			noted := entries(t, d)
			first := noted[0]
			require.Equal(t, int(first.Due.Sub(due)/time.Second), first.Missed, "what did not run is told")
			require.InDelta(t, 500, first.Missed, 100, "but for the time that the test takes")
			for i, one := range noted {
				require.Equal(t, first.Due.Add(time.Duration(i)*time.Second), one.Due)
				require.True(t, i == 0 || one.Missed == 0)
			}
		})
	}
}

// A run is skipped that is more than a minute late, even if the next is far off.
func TestSkipSkipsWhatIsLate(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(logbookType())
	d := logbookOf(b, "one")
	_, err := Note.Every(troupe.SchedulerOf(t.Context(), d), time.Hour, "tick", troupe.OnMissed(troupe.Skip))
	require.NoError(t, err)
	due := b.NextDue()
	b.Stop(host)
	b.AdvanceTo(due.Add(2 * time.Minute))
	b.Host(logbookType())
	b.AdvanceTo(due.Add(30 * time.Minute))
	require.Empty(t, entries(t, d))
	b.AdvanceTo(due.Add(time.Hour))
	require.Len(t, entries(t, d), 1)
}

// A schedule that is given up each time is told when it is for the 1st, the 2nd, the 4th and the 8th time.
func TestWhatIsGivenUpAgainAndAgainIsLoggedNowAndThen(t *testing.T) {
	t.Parallel()
	var log bustest.Log
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, logbookType())
	d := logbookOf(b, "one")
	callOf(t, Trouble, d, 100)
	_, err := Fail.Every(troupe.SchedulerOf(t.Context(), d), time.Second, "tick", troupe.Named("tick"))
	require.NoError(t, err)
	b.AdvanceTo(b.NextDue().Add(9 * time.Second))
	listed, err := troupe.SchedulerOf(t.Context(), d).Schedules()
	require.NoError(t, err)
	require.Len(t, listed, 2)
	require.True(t, listed[1].Parked)
	require.GreaterOrEqual(t, listed[1].Times, 10)
	require.Less(t, listed[1].Times, 16)
	require.Equal(t, 4, strings.Count(log.String(), "was given up"), log.String())
}

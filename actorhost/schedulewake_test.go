package actorhost_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// What is due does not count as a call: the actor sleeps as soon as it would without.
func TestWhatIsDueKeepsNoActorAwake(t *testing.T) {
	for name, does := range map[string]struct {
		plans []plan
		runs  int
	}{
		"it runs":           {[]plan{{After: 50 * time.Second}}, 1},
		"it rings in vain":  {[]plan{{After: 50 * time.Second, Name: "it"}, {After: time.Hour, Name: "it"}}, 0},
		"it is in memory":   {[]plan{{Every: time.Second, Volatile: true}}, 60},
		"it runs for later": {[]plan{{After: 10 * time.Minute}, {After: 3 * time.Hour}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				host := b.Host(logbookType()) // they sleep after a minute
				d := logbookOf(b, "one")
				for _, p := range does.plans {
					callOf(t, Plan, d, p)
				}
				advance(63 * time.Second)
				require.Zero(t, host.Active())
				advance(10 * time.Minute)
				require.Zero(t, host.Active())
				require.InDelta(t, does.runs, len(entries(t, d)), float64(does.runs)/10)
			})
		})
	}
}

// An actor that has something due again and again, sooner than it would sleep, stays awake for that.
func TestActorStaysAwakeForWhatIsDueSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var woken atomic.Int64
		b := hosttest.Start(t, logbookType().OnWake(func(*logbook, *actorhost.Context) error { woken.Add(1); return nil }))
		d := logbookOf(b, "one")
		_, err := Note.Every(troupe.SchedulerOf(t.Context(), d), time.Second, "tick")
		require.NoError(t, err)
		advance(5*time.Minute + 100*time.Millisecond)
		require.Len(t, entries(t, d), 300)
		require.EqualValues(t, 1, woken.Load())
	})
}

// Nothing runs of an actor that has failed to wake, though it is due by then. The alarm rings again later and later, and it runs
// once the actor wakes.
func TestNothingRunsOfAnActorThatFailsToWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails atomic.Bool
		var woken atomic.Int64
		fails.Store(true)
		b := hosttest.Start(t, actorhost.Define(func() logbook { return logbook{} },
			actorhost.OnCreate(troupe.NewConstructor[Logbook, string](), func(_ *logbook, c *actorhost.Context, text string) error {
				_, err := Note.After(c, 0, text)
				return err
			}),
			actorhost.On(Note, actorhost.NoOut((*logbook).note)),
			actorhost.On(ReadPage, actorhost.NoIn(func(d *logbook, _ *actorhost.Context) ([]entry, error) { return d.Entries, nil })),
		).OnWake(func(*logbook, *actorhost.Context) error {
			woken.Add(1)
			advance(100 * time.Millisecond) // until then it is due
			if fails.Load() {
				return errUndone
			}
			return nil
		}))
		began := time.Now()
		require.Error(t, troupe.NewConstructor[Logbook, string]().Create(t.Context(), logbookOf(b, "one"), t.Name()))
		advance(10 * time.Minute)
		_, ran := notedTexts.Load(t.Name())
		require.False(t, ran)
		require.Greater(t, woken.Load(), int64(6))
		require.Less(t, woken.Load(), int64(16), "after a second, then after as long as it is late already")
		fails.Store(false)
		advance(10 * time.Minute)
		noted := entries(t, logbookOf(b, "one"))
		require.Len(t, noted, 1)
		require.Less(t, noted[0].At.Sub(began), 16*time.Minute)
	})
}

// Actors that wait for each other in what is due do not keep others from running, however many they are.
func TestManySlowRunsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meet := troupe.NewAction[Logbook, troupe.None, troupe.None]("meet")
		together := make(chan struct{})
		meeting := sync.OnceFunc(func() { close(together) })
		defer meeting()
		var arrived atomic.Int64
		b := hosttest.Start(t, actorhost.Define(func() logbook { return logbook{} },
			actorhost.On(meet, actorhost.NoInNoOut(func(*logbook, *actorhost.Context) error {
				arrived.Add(1)
				<-together
				return nil
			}))).Config(actorhost.TypeConfig{SleepAfter: time.Minute}))
		actors := 8*runtime.GOMAXPROCS(0) + 3
		for key := range actors {
			_, err := meet.After(troupe.SchedulerOf(t.Context(), logbookOf(b, string(rune('a'+key)))), 10*time.Minute, nil)
			require.NoError(t, err)
		}
		advance(10*time.Minute + time.Second)
		require.EqualValues(t, actors, arrived.Load())
		meeting()
		advance(time.Second)
	})
}

// A run that fails is tried again with the same identity: calls that it has made take effect once. Another run is another.
func TestCallsOfARunThatIsTriedAgainTakeEffectOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := troupe.NewAction[Logbook, string, troupe.None]("pay")
		b := hosttest.Start(t, counters(), actorhost.Define(func() logbook { return logbook{} },
			actorhost.On(pay, actorhost.NoOut(func(_ *logbook, c *actorhost.Context, to string) error {
				if _, err := add.Call(c, troupe.GetOrCreate[counter](c, to), 1); err != nil {
					return err
				}
				if f, _ := troupe.FiringOf(c); f.Attempt < 4 {
					return &troupe.Error{Code: "no_luck", Message: "after the call"}
				}
				return nil
			}))))
		s := troupe.SchedulerOf(t.Context(), logbookOf(b, "one"))
		paid := func(to string) int {
			n, err := get.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, to), nil)
			require.NoError(t, err)
			return n
		}
		at := time.Now().Add(time.Second)
		for n := range 2 { // the second is due at once: only when it was made is another
			_, err := pay.At(s, at, "once", troupe.Named("it"))
			require.NoError(t, err)
			advance(20 * time.Second)
			require.Equal(t, n+1, paid("once"))
		}
		_, err := pay.Every(s, time.Minute, "each", troupe.Named("each"))
		require.NoError(t, err)
		advance(3*time.Minute + 20*time.Second)
		require.Equal(t, 3, paid("each"))
	})
}

// A run by hand is one more: the schedule keeps its times.
func TestRunByHandKeepsTheTimes(t *testing.T) {
	takesLong(t)
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		s := troupe.SchedulerOf(t.Context(), d)
		_, err := Note.Every(s, time.Hour, "tick", troupe.Named("tick"))
		require.NoError(t, err)
		before, err := s.Schedules()
		require.NoError(t, err)
		advance(10 * time.Minute)
		require.True(t, fireNow(t, d, "tick"))
		advance(time.Second)
		require.Len(t, entries(t, d), 1)
		after, err := s.Schedules()
		require.NoError(t, err)
		require.Equal(t, before, after)
		advance(2 * time.Hour)
		noted := entries(t, d)
		require.Len(t, noted, 3)
		for i, one := range noted[1:] {
			require.Equal(t, before[0].Due.Add(time.Duration(i)*time.Hour), one.Due)
			require.Zero(t, one.Missed)
		}
	})
}

// An actor whose alarm has vanished sets the next one with its next change, though nothing has rung: half a minute is late enough.
func TestLostAlarmOfAnActorThatIsAwake(t *testing.T) {
	virtual(t, func(t *testing.T, b *hosttest.Bus, d Logbook) {
		t.Helper()
		for text, after := range map[string]time.Duration{"soon": 10 * time.Second, "later": time.Hour} {
			_, err := Plan.Call(t.Context(), d, plan{Text: text, After: after})
			require.NoError(t, err)
		}
		js, err := jetstream.New(b.Connect())
		require.NoError(t, err)
		stream, err := js.Stream(t.Context(), "troupe-due")
		require.NoError(t, err)
		require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("troupe.alarm.logbook.one")))
		advance(45 * time.Second)
		require.Len(t, entries(t, d), 1, "it is awake")
		callOf(t, Trouble, d, 1)
		require.NoError(t, sleepNow(t, d))
		advance(time.Hour)
		noted := entries(t, d)
		require.Len(t, noted, 2)
		require.Less(t, noted[1].At.Sub(noted[1].Due), 100*time.Millisecond)
	})
}

// An alarm that the record names may have rung half a second before its time: then it is not counted on for anything else.
func TestAlarmThatHasJustRungIsNotCountedOn(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		for _, after := range []time.Duration{20 * time.Second, time.Hour} { // moved, so that it rings in vain
			_, err := Plan.Call(t.Context(), d, plan{Text: "far", Name: "far", After: after})
			require.NoError(t, err)
		}
		require.NoError(t, sleepNow(t, d))
		advance(20*time.Second - 150*time.Millisecond)
		_, err := Plan.Call(t.Context(), d, plan{Text: "between", After: 30 * time.Minute})
		require.NoError(t, err)
		require.NoError(t, sleepNow(t, d))
		advance(35 * time.Minute)
		noted := entries(t, d)
		require.Len(t, noted, 1)
		require.Less(t, noted[0].At.Sub(noted[0].Due), 100*time.Millisecond)
	})
}

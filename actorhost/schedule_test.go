package actorhost_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A logbook notes when its actions run.
type Logbook struct{ troupe.Ref }

func (Logbook) ActorType() string { return "logbook" }

var (
	Note     = troupe.NewAction[Logbook, string, troupe.None]("note")         // notes that it runs
	Fail     = troupe.NewAction[Logbook, string, troupe.None]("fail")         // fails so often as the state says
	Plan     = troupe.NewAction[Logbook, plan, string]("plan")                // schedules something in a turn
	Cancel   = troupe.NewAction[Logbook, string, bool]("cancel")              // cancels in a turn
	ReadPage = troupe.NewAction[Logbook, troupe.None, []entry]("read")        // what was noted
	Trouble  = troupe.NewAction[Logbook, int, troupe.None]("trouble")         // how often fail fails
	Undone   = troupe.NewAction[Logbook, plan, troupe.None]("undone")         // schedules and fails
	Again    = troupe.NewAction[Logbook, time.Duration, troupe.None]("again") // notes, and schedules itself
)

type plan struct {
	troupe.ScheduleRequest `json:"-"`

	Action, Name, Text, Cron, Zone string
	After, Every, Spread           time.Duration
	Missed                         troupe.MissedPolicy
	Volatile                       bool
}

type entry struct {
	Text, Name string
	At, Due    time.Time
	Attempt    int
	Missed     int
	Request    string
}

type logbook struct {
	Entries []entry
	Fails   int
}

// notedTexts are those that were noted in this process, by whichever logbook, so that a test need not call one to know.
var notedTexts sync.Map

func (d *logbook) note(c *actorhost.Context, text string) error {
	notedTexts.Store(text, true)
	e := entry{Text: text, At: time.Now().UTC(), Request: c.RequestID()}
	if f, ok := troupe.FiringOf(c); ok {
		e.Name, e.Due, e.Attempt, e.Missed = f.Name, f.Due, f.Attempt, f.Missed
	}
	d.Entries = append(d.Entries, e)
	return nil
}

func (d *logbook) fail(c *actorhost.Context, text string) error {
	if d.Fails > 0 {
		f, _ := troupe.FiringOf(c)
		if f.Attempt <= d.Fails {
			return &troupe.Error{Code: "no_luck", Message: "not yet"}
		}
	}
	return d.note(c, text)
}

func (d *logbook) plan(c *actorhost.Context, p plan) (string, error) {
	action := p.Action
	if action == "" {
		action = "note"
	}
	return c.Schedule(troupe.ScheduleRequest{
		ActorType: "logbook", Action: action, Input: p.Text, Name: p.Name, After: p.After, Every: p.Every, Cron: p.Cron, Zone: p.Zone,
		Spread: p.Spread, Missed: p.Missed, Volatile: p.Volatile,
	})
}

var errUndone = errors.New("undone")

func (d *logbook) again(c *actorhost.Context, every time.Duration) error {
	if _, err := Again.After(c, every, every, troupe.Named("again")); err != nil {
		return err
	}
	return d.note(c, "again")
}

func logbookType() actorhost.ActorType[Logbook, logbook] {
	return actorhost.Define(func() logbook { return logbook{} },
		actorhost.On(Note, actorhost.NoOut((*logbook).note)),
		actorhost.On(Fail, actorhost.NoOut((*logbook).fail)),
		actorhost.On(Plan, (*logbook).plan),
		actorhost.On(Cancel, func(_ *logbook, c *actorhost.Context, name string) (bool, error) { return c.Unschedule(name) }),
		actorhost.On(ReadPage, actorhost.NoIn(func(d *logbook, _ *actorhost.Context) ([]entry, error) { return d.Entries, nil })),
		actorhost.On(Trouble, actorhost.NoOut(func(d *logbook, _ *actorhost.Context, n int) error { d.Fails = n; return nil })),
		actorhost.On(Undone, actorhost.NoOut(func(d *logbook, c *actorhost.Context, p plan) error {
			if _, err := d.plan(c, p); err != nil {
				return err
			}
			return errUndone
		})),
		actorhost.On(Again, actorhost.NoOut((*logbook).again)),
	).Config(actorhost.TypeConfig{SleepAfter: time.Minute})
}

// virtual runs a test in virtual time, with a bus that runs logbooks.
func virtual(t *testing.T, test func(t *testing.T, b *hosttest.Bus, d Logbook)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, logbookType())
		test(t, b, troupe.GetOrCreate[Logbook](b.Client, "one"))
	})
}

// advance lets virtual time pass.
func advance(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // inside of a synctest bubble

func entries(t *testing.T, d Logbook) []entry {
	t.Helper()
	all, err := ReadPage.Call(context.WithoutCancel(t.Context()), d, nil)
	require.NoError(t, err)
	return all
}

func TestScheduledActionRunsOnTimeAndOnce(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		began := time.Now()
		name, err := Plan.Call(t.Context(), d, plan{Text: "soon", After: 30 * time.Minute})
		require.NoError(t, err)
		advance(29*time.Minute + 59*time.Second)
		require.Empty(t, entries(t, d))
		advance(2 * time.Second)
		noted := entries(t, d)
		require.Len(t, noted, 1)
		require.Equal(t, "soon", noted[0].Text)
		require.Equal(t, name, noted[0].Name)
		require.Equal(t, 1, noted[0].Attempt)
		require.GreaterOrEqual(t, noted[0].At.Sub(began), 30*time.Minute, "never early")
		require.Less(t, noted[0].At.Sub(began), 30*time.Minute+100*time.Millisecond)
		advance(time.Hour)
		require.Len(t, entries(t, d), 1)
	})
}

func TestRecurringKeepsItsGrid(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		began := time.Now()
		_, err := Note.Every(troupe.SchedulerOf(t.Context(), d), 90*time.Second, "tick", troupe.Named("tick"))
		require.NoError(t, err)
		advance(15*time.Minute + time.Second)
		noted := entries(t, d)
		require.Len(t, noted, 10)
		for i, one := range noted {
			require.WithinDuration(t, began.Add(time.Duration(i+1)*90*time.Second), one.Due, 10*time.Millisecond)
			require.Equal(t, noted[0].Due.Add(time.Duration(i)*90*time.Second), one.Due, "it does not drift")
			require.False(t, one.At.Before(one.Due))
			require.Zero(t, one.Missed)
		}
		found, err := troupe.SchedulerOf(t.Context(), d).Unschedule("tick")
		require.NoError(t, err)
		require.True(t, found)
		advance(10 * time.Minute)
		require.Len(t, entries(t, d), 10)
		found, err = troupe.SchedulerOf(t.Context(), d).Unschedule("tick")
		require.NoError(t, err)
		require.False(t, found)
	})
}

// The same name moves a schedule, and what a turn schedules goes with its failure.
func TestScheduleIsAPartOfItsTurn(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		s := troupe.SchedulerOf(t.Context(), d)
		for range 5 {
			_, err := Plan.Call(t.Context(), d, plan{Text: "moved", Name: "expiry", After: time.Minute})
			require.NoError(t, err)
			advance(30 * time.Second)
		}
		require.Empty(t, entries(t, d))
		require.ErrorIs(t, callUndone(t, d, plan{Text: "undone", Name: "expiry", After: time.Second}), troupe.ErrInternal)
		require.ErrorIs(t, callUndone(t, d, plan{Text: "undone", After: time.Second}), troupe.ErrInternal)
		listed, err := s.Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.Equal(t, "moved", listed[0].Input)
		advance(time.Hour)
		require.Len(t, entries(t, d), 1)
		listed, err = s.Schedules()
		require.NoError(t, err)
		require.Empty(t, listed)
	})
}

func callUndone(t *testing.T, d Logbook, p plan) error {
	t.Helper()
	_, err := Undone.Call(t.Context(), d, p)
	return err
}

// What fails is tried again, later each time, and in the end parked and listed until somebody retries it.
func TestFailingScheduleIsTriedAgainAndParked(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		s := troupe.SchedulerOf(t.Context(), d)
		began := time.Now()
		callOf(t, Trouble, d, 3)
		_, err := Fail.After(s, time.Minute, "late", troupe.Named("late"))
		require.NoError(t, err)
		advance(time.Minute + 1500*time.Millisecond)
		listed, err := s.Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.Equal(t, 2, listed[0].Attempts)
		require.Equal(t, "no_luck: not yet", listed[0].Error)
		advance(time.Minute)
		noted := entries(t, d)
		require.Len(t, noted, 1)
		require.Equal(t, 4, noted[0].Attempt)
		require.WithinDuration(t, began.Add(time.Minute+7*time.Second), noted[0].At, 100*time.Millisecond, "1 s, 2 s, 4 s")
		require.WithinDuration(t, began.Add(time.Minute), noted[0].Due, 10*time.Millisecond)

		callOf(t, Trouble, d, 100)
		_, err = Fail.After(s, time.Second, "never", troupe.Named("never"))
		require.NoError(t, err)
		advance(2 * time.Hour)
		listed, err = s.Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.True(t, listed[0].Parked)
		require.Equal(t, 20, listed[0].Attempts)
		require.Equal(t, "never", listed[0].Input)
		require.Len(t, entries(t, d), 1)

		callOf(t, Trouble, d, 0)
		require.True(t, fireNow(t, d, "never"))
		advance(time.Second)
		noted = entries(t, d)
		require.Len(t, noted, 2)
		require.Equal(t, "never", noted[1].Text)
		listed, err = s.Schedules()
		require.NoError(t, err)
		require.Empty(t, listed)
		require.False(t, fireNow(t, d, "never"))
	})
}

func callOf[In, Out any](t *testing.T, a troupe.Action[Logbook, In, Out], d Logbook, in In) Out {
	t.Helper()
	out, err := a.Call(t.Context(), d, in)
	require.NoError(t, err)
	return out
}

func fireNow(t *testing.T, d Logbook, name string) bool {
	t.Helper()
	return callOf(t, troupe.NewAction[Logbook, string, bool](troupe.FireAction), d, name)
}

// A recurring schedule that fails goes on with its next time, and what was given up is parked once, with a count.
func TestRecurringScheduleThatFailsGoesOn(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		s := troupe.SchedulerOf(t.Context(), d)
		callOf(t, Trouble, d, 100)
		_, err := Fail.Every(s, 10*time.Second, "tick", troupe.Named("tick"))
		require.NoError(t, err)
		advance(65 * time.Second)
		callOf(t, Trouble, d, 0)
		advance(time.Minute)
		require.Len(t, entries(t, d), 6+1, "and the one that was under way")
		listed, err := s.Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 2)
		require.False(t, listed[0].Parked)
		require.True(t, listed[1].Parked)
		require.True(t, fireNow(t, d, "tick"), "what is parked")
		advance(100 * time.Millisecond)
		require.Len(t, entries(t, d), 8)
		listed, err = s.Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.True(t, fireNow(t, d, "tick"), "one more")
		advance(100 * time.Millisecond)
		require.Len(t, entries(t, d), 9)
	})
}

func TestVolatileScheduleIsLostWithTheActivation(t *testing.T) {
	virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
		t.Helper()
		_, err := Plan.Call(t.Context(), d, plan{Text: "beat", Name: "beat", Every: 100 * time.Millisecond, Volatile: true})
		require.NoError(t, err)
		advance(1050 * time.Millisecond)
		require.Len(t, entries(t, d), 10)
		listed, err := troupe.SchedulerOf(t.Context(), d).Schedules()
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.True(t, listed[0].Volatile)
		require.NoError(t, sleepNow(t, d))
		advance(time.Second)
		require.Len(t, entries(t, d), 10)
		_, err = Plan.Call(t.Context(), d, plan{Text: "beat", Name: "beat", Every: 100 * time.Millisecond, Volatile: true})
		require.NoError(t, err)
		require.True(t, callOf(t, Cancel, d, "beat"))
		advance(time.Second)
		require.Len(t, entries(t, d), 10)
	})
}

func sleepNow(t *testing.T, d Logbook) error {
	t.Helper()
	_, err := troupe.NewAction[Logbook, troupe.None, troupe.None](troupe.SleepAction).Call(t.Context(), d, nil)
	return err
}

// What was due while no host was up follows the policy.
func TestMissedTimesFollowThePolicy(t *testing.T) {
	for policy, want := range map[troupe.MissedPolicy]struct{ runs, missed int }{
		troupe.RunOnce: {1, 359}, troupe.RunAll: {360, 0}, troupe.Skip: {0, 0},
	} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				host := b.Host(logbookType())
				d := troupe.GetOrCreate[Logbook](b.Client, "one")
				_, err := Note.Every(troupe.SchedulerOf(t.Context(), d), 10*time.Second, "tick", troupe.OnMissed(policy))
				require.NoError(t, err)
				require.NoError(t, host.Stop(t.Context()))
				advance(time.Hour + 5*time.Second)
				b.Host(logbookType())
				advance(4 * time.Second)
				noted := entries(t, d)
				require.Len(t, noted, want.runs)
				if want.runs > 0 {
					require.Equal(t, want.missed, noted[0].Missed)
				}
				advance(10 * time.Second)
				require.Len(t, entries(t, d), want.runs+1)
			})
		})
	}
}

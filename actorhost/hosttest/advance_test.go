package hosttest_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A calendar notes why its action runs.
type calendar struct{ troupe.Ref }

func (calendar) ActorType() string { return "calendar" }

var (
	remind = troupe.NewAction[calendar, string, troupe.None]("remind")
	fail   = troupe.NewAction[calendar, string, troupe.None]("fail")
	beat   = troupe.NewAction[calendar, time.Duration, troupe.None]("beat")
	chain  = troupe.NewAction[calendar, int, troupe.None]("chain")
	pages  = troupe.NewAction[calendar, troupe.None, []page]("pages")
)

type page struct {
	Text   string
	Firing troupe.Firing
}

type calendarState struct{ Pages []page }

func (s *calendarState) remind(c *actorhost.Context, text string) error {
	firing, _ := troupe.FiringOf(c)
	s.Pages = append(s.Pages, page{text, firing})
	return nil
}

func (s *calendarState) chain(c *actorhost.Context, left int) error {
	if left == 0 {
		return s.remind(c, "end of the chain")
	}
	_, err := chain.After(c, 24*time.Hour, left-1)
	return err
}

var errNoLuck = troupe.NewError("no_luck", "not today")

var calendars = actorhost.Define(func() calendarState { return calendarState{} },
	actorhost.On(remind, actorhost.NoOut((*calendarState).remind)),
	actorhost.On(fail, actorhost.NoOut(func(*calendarState, *actorhost.Context, string) error { return errNoLuck })),
	actorhost.On(beat, actorhost.NoOut(func(_ *calendarState, c *actorhost.Context, every time.Duration) error {
		_, err := remind.Every(c, every, "beat", troupe.Volatile())
		return err
	})),
	actorhost.On(chain, actorhost.NoOut((*calendarState).chain)),
	actorhost.On(pages, actorhost.NoIn(func(s *calendarState, _ *actorhost.Context) ([]page, error) { return s.Pages, nil })),
).Config(actorhost.TypeConfig{SleepAfter: 20 * time.Millisecond})

func read(t *testing.T, d calendar) []page {
	t.Helper()
	all, err := pages.Call(t.Context(), d, nil)
	require.NoError(t, err)
	return all
}

func schedulerOf(t *testing.T, b *hosttest.Bus, key string) (calendar, troupe.Scheduler) {
	t.Helper()
	d := troupe.GetOrCreate[calendar](b.Client, key)
	return d, troupe.SchedulerOf(t.Context(), d)
}

func TestAYearOfDailyReports(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	b := hosttest.Start(t, calendars)
	d, s := schedulerOf(t, b, "daily")
	_, err = remind.Cron(s, "0 9 * * *", "report", troupe.In("Europe/Berlin"))
	require.NoError(t, err)
	first := b.NextDue()
	began := time.Now()
	b.AdvanceTo(first.In(berlin).AddDate(1, 0, -1))
	took := time.Since(began)
	t.Logf("a year took %v", took)

	offsets := make(map[int]int)
	reports := read(t, d)
	require.Len(t, reports, int(first.In(berlin).AddDate(1, 0, 0).Sub(first).Hours()+0.5)/24)
	for i, report := range reports {
		due := report.Firing.Due.In(berlin)
		require.Equal(t, first.In(berlin).AddDate(0, 0, i).Format(time.DateTime), due.Format(time.DateTime))
		require.Equal(t, "09:00:00", due.Format(time.TimeOnly))
		require.Zero(t, report.Firing.Missed)
		_, offset := due.Zone()
		offsets[offset]++
	}
	require.Len(t, offsets, 2, "summer and winter")
}

func TestAdvanceRunsWhatIsDueInOrder(t *testing.T) {
	t.Parallel()
	testOrder(t)
}

func TestAdvanceInABubble(t *testing.T) { synctest.Test(t, testOrder) }

func testOrder(t *testing.T) {
	t.Helper()
	b := hosttest.Start(t, calendars)
	began := b.Now()
	var all []calendar
	for _, key := range []string{"a", "b", "c"} {
		d, s := schedulerOf(t, b, key)
		all = append(all, d)
		for i, after := range []time.Duration{72 * time.Hour, 30 * time.Minute, 90 * time.Second} {
			_, err := remind.After(s, after, key+string(rune('0'+i)))
			require.NoError(t, err)
		}
	}
	b.Advance(time.Minute)
	for _, d := range all {
		require.Empty(t, read(t, d))
	}
	b.Advance(30 * time.Minute)
	for _, d := range all {
		require.Len(t, read(t, d), 2)
	}
	require.WithinDuration(t, began.Add(31*time.Minute), b.Now(), 20*time.Second)
	b.Advance(100 * 24 * time.Hour)
	for _, d := range all {
		noted := read(t, d)
		require.Len(t, noted, 3)
		for i, want := range []time.Duration{90 * time.Second, 30 * time.Minute, 72 * time.Hour} {
			require.WithinDuration(t, began.Add(want), noted[i].Firing.Due, 20*time.Second)
		}
	}
	require.Zero(t, b.NextDue())
}

func TestSteppingFromOneDueTimeToTheNext(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, calendars)
	require.Zero(t, b.NextDue())
	b.Advance(time.Hour) // nobody has scheduled anything
	d, s := schedulerOf(t, b, "steps")
	_, err := remind.Every(s, time.Hour, "hourly", troupe.Named("hourly"))
	require.NoError(t, err)
	_, err = remind.After(s, 150*time.Minute, "once", troupe.Named("once"))
	require.NoError(t, err)
	var texts []string
	for i := range 4 {
		due := b.NextDue()
		require.True(t, due.After(b.Now()))
		b.AdvanceTo(due)
		noted := read(t, d)
		require.Len(t, noted, i+1)
		require.WithinDuration(t, due, noted[i].Firing.Due, 0)
		texts = append(texts, noted[i].Text)
	}
	require.Equal(t, []string{"hourly", "hourly", "once", "hourly"}, texts)

	// What is moved later, or canceled, is due when it is, though its alarm still stands.
	_, err = remind.Every(s, 100*time.Hour, "rarely", troupe.Named("hourly"))
	require.NoError(t, err)
	require.WithinDuration(t, b.Now().Add(100*time.Hour), b.NextDue(), 20*time.Second)
	found, err := s.Unschedule("hourly")
	require.NoError(t, err)
	require.True(t, found)
	require.Zero(t, b.NextDue())
	b.Advance(1000 * time.Hour)
	require.Len(t, read(t, d), 4)
}

func TestAdvanceRunsWhatIsScheduledOnTheWay(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, calendars)
	d := troupe.GetOrCreate[calendar](b.Client, "chain")
	_, err := chain.Call(t.Context(), d, 30)
	require.NoError(t, err)
	b.Advance(31 * 24 * time.Hour)
	noted := read(t, d)
	require.Len(t, noted, 1)
}

func TestAdvanceStepsThroughTheBackOff(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, calendars)
	d, s := schedulerOf(t, b, "unlucky")
	_, err := fail.After(s, time.Minute, "x", troupe.Named("x"))
	require.NoError(t, err)
	began, last := time.Now(), b.Now()
	var pauses []time.Duration
	for due := b.NextDue(); !due.IsZero(); due = b.NextDue() {
		pauses = append(pauses, due.Sub(last).Round(time.Second))
		last = due
		b.AdvanceTo(due)
	}
	t.Logf("%d attempts took %v", len(pauses), time.Since(began))
	require.Len(t, pauses, 20)
	require.Equal(t, []time.Duration{
		time.Minute, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second,
		128 * time.Second, 256 * time.Second, 5 * time.Minute,
	}, pauses[:11])
	listed, err := s.Schedules()
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.True(t, listed[0].Parked)
	require.Equal(t, 20, listed[0].Attempts)
	require.Empty(t, read(t, d))
}

func TestAdvanceRunsVolatileSchedules(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(calendars.Config(actorhost.TypeConfig{SleepAfter: time.Hour}))
	d := troupe.GetOrCreate[calendar](b.Client, "heart")
	_, err := beat.Call(t.Context(), d, time.Minute)
	require.NoError(t, err)
	b.Advance(time.Hour + 30*time.Second)
	require.Len(t, read(t, d), 60)
}

// What is due while no host is up waits for one, and follows the policy for missed times.
func TestAdvanceWhileNoHostIsUp(t *testing.T) {
	t.Parallel()
	for policy, want := range map[troupe.MissedPolicy]struct{ runs, missed int }{
		troupe.RunOnce: {1, 335}, troupe.RunAll: {336, 0}, troupe.Skip: {0, 0},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.Host(calendars)
			d, s := schedulerOf(t, b, "missed")
			_, err := remind.Every(s, time.Hour, "tick", troupe.OnMissed(policy))
			require.NoError(t, err)
			b.Stop(host)
			b.Advance(14*24*time.Hour + 30*time.Minute)
			b.Host(calendars)
			b.Advance(0)
			noted := read(t, d)
			require.Len(t, noted, want.runs)
			if want.runs > 0 {
				require.Equal(t, want.missed, noted[0].Firing.Missed)
			}
			b.Advance(time.Hour)
			require.Len(t, read(t, d), want.runs+1)
		})
	}
}

// A host that dies on the way leaves what is due to the other.
func TestAdvanceAfterAHostWasKilled(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(calendars)
	d, s := schedulerOf(t, b, "moved")
	_, err := remind.Every(s, time.Hour, "tick")
	require.NoError(t, err)
	b.Host(calendars)
	b.Advance(3*time.Hour + time.Minute)
	b.Kill(first)
	b.Advance(3 * time.Hour)
	noted := read(t, d)
	require.Len(t, noted, 6)
	require.True(t, slices.IsSortedFunc(noted, func(a, b page) int { return a.Firing.Due.Compare(b.Firing.Due) }))
}

// The time goes on after Advance, also for an actor that sleeps.
func TestTimeGoesOnAfterAdvance(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, calendars)
	b.Advance(1000 * time.Hour)
	d, s := schedulerOf(t, b, "soon")
	_, err := remind.After(s, time.Second, "soon")
	require.NoError(t, err)
	_, err = troupe.NewAction[calendar, troupe.None, troupe.None](troupe.SleepAction).Call(t.Context(), d, nil)
	if !errors.Is(err, troupe.ErrNotFound) { // it sleeps already
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { // a list does not wake it
		listed, err := s.Schedules()
		require.NoError(t, err)
		return len(listed) == 0
	}, 30*time.Second, 10*time.Millisecond)
	require.WithinDuration(t, time.Now().Add(1000*time.Hour), read(t, d)[0].Firing.Due, time.Minute)
}

func TestAdvanceWithManyActors(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, calendars)
	const many, days = 200, 10
	var all []calendar
	for i := range many {
		d, s := schedulerOf(t, b, strconv.Itoa(i))
		all = append(all, d)
		_, err := remind.Cron(s, "@daily", "good night")
		require.NoError(t, err)
	}
	began := time.Now()
	b.Advance(days * 24 * time.Hour)
	t.Logf("%d runs took %v", many*days, time.Since(began))
	for _, d := range all {
		require.Len(t, read(t, d), days)
	}
}

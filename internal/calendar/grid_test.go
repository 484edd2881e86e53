package calendar_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/calendar"
)

var due = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestGridOfAnInterval(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, test := range []struct {
		name       string
		every, now time.Duration // since it was due
		next, last time.Duration
		n          int
	}{
		{"it is to come", 5 * time.Second, -time.Hour, 0, 0, 0},
		{"it is about to come", 5 * time.Second, -1, 0, 0, 0},
		{"it is due", 5 * time.Second, 0, 5 * time.Second, 0, 0},
		{"it was due", 5 * time.Second, 5*time.Second - 1, 5 * time.Second, 0, 0},
		{"the next is due", 5 * time.Second, 5 * time.Second, 10 * time.Second, 5 * time.Second, 1},
		{"the next was due", 5 * time.Second, 9 * time.Second, 10 * time.Second, 5 * time.Second, 1},
		{"down for 14 days", 5 * time.Second, 14*day - 3*time.Second, 14 * day, 14*day - 5*time.Second, 241_919},
		{"down for 10 years", time.Second, 3650*day + 1, 3650*day + time.Second, 3650 * day, 315_360_000},
		{"the shortest interval", 1, time.Second, time.Second + 1, time.Second, 1_000_000_000},
		{"the longest interval", math.MaxInt64, day, math.MaxInt64, 0, 0},
		{"what does not divide a second", 7, time.Second, 142_857_143 * 7, 142_857_142 * 7, 142_857_142},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			grid := calendar.Grid{Every: test.every}
			require.Equal(t, due.Add(test.next), grid.Next(due, due.Add(test.now)))
			last, n := grid.Passed(due, due.Add(test.now), 10)
			require.Equal(t, test.n, n)
			if n == 0 {
				require.Zero(t, last)
			} else {
				require.Equal(t, due.Add(test.last), last)
			}
		})
	}
}

// TestGridOfAnIntervalHasNoLimit: a [time.Duration] ends after 292 years.
func TestGridOfAnIntervalHasNoLimit(t *testing.T) {
	t.Parallel()
	grid := calendar.Grid{Every: 24 * time.Hour}
	last, n := grid.Passed(time.Time{}, due, 0)
	require.Equal(t, due.Add(-12*time.Hour), last)
	require.Equal(t, 739_675, n)
	require.Equal(t, due.Add(12*time.Hour), grid.Next(time.Time{}, due))

	full := time.Unix(time.Time{}.Unix()+18_446_744_073, 709_551_616).UTC() // 2^64 nanoseconds later
	last, n = calendar.Grid{Every: 1 << 40}.Passed(time.Time{}, full, 0)
	require.Equal(t, full, last)
	require.Equal(t, 1<<24, n)

	last, n = calendar.Grid{Every: 1}.Passed(time.Time{}, due, 0)
	require.Equal(t, due, last)
	require.Equal(t, math.MaxInt, n)
}

func TestGridOfAnIntervalIsInTheZoneOfDue(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	grid := calendar.Grid{Every: time.Hour}
	require.Equal(t, due.In(zone).Add(time.Hour), grid.Next(due.In(zone), due.Add(1)))
	require.Equal(t, due.In(zone), grid.Next(due.In(zone), due.Add(-1)))
	last, _ := grid.Passed(due.In(zone), due.Add(time.Hour), 1)
	require.Equal(t, due.In(zone).Add(time.Hour), last)
}

// TestGridIsWithoutTheMonotonicClock: the wall clock alone says when something is due.
func TestGridIsWithoutTheMonotonicClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, grid := range []calendar.Grid{{Every: time.Hour}, {Cron: parse(t, "* * * * *", "")}} {
		for _, after := range []time.Time{now, now.Add(-1), now.Add(time.Hour)} {
			next := grid.Next(now, after)
			require.Equal(t, next.Round(0), next)
			require.Equal(t, grid.Next(now.Round(0), after.Round(0)), next)
		}
		last, _ := grid.Passed(now, now.Add(time.Hour), 1)
		require.Equal(t, last.Round(0), last)
	}
}

// TestGridHasNoDrift: each time follows from the one before, and the time that it runs at does not count.
func TestGridHasNoDrift(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		every := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "every"))
		grid, next := calendar.Grid{Every: every}, due
		for range 20 {
			late := time.Duration(rapid.Int64Range(0, int64(every)-1).Draw(t, "late"))
			next = grid.Next(next, next.Add(late))
		}
		require.Equal(t, due.Add(20*every), next)
		now := next.Add(time.Duration(rapid.Int64Range(0, int64(every)-1).Draw(t, "now")))
		last, n := grid.Passed(due, now, 0)
		require.Equal(t, next, last)
		require.Equal(t, 20, n)
	})
}

func TestGridOfCron(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, spec, due, now string
		most                 int
		next, last           string
		n                    int
	}{
		{"it is to come", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-04-20T00:00:00Z", 10, "2026-05-01T07:00:00Z", "", 0},
		{"it is due", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-05-01T07:00:00Z", 10, "2026-05-02T07:00:00Z", "", 0},
		{"it was due", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-05-02T06:59:59.9Z", 10, "2026-05-02T07:00:00Z", "", 0},
		{"the next is due", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-05-02T07:00:00Z", 10, "2026-05-03T07:00:00Z", "2026-05-02T07:00:00Z", 1},
		{"not that which was due", "0 9 * * *", "2026-05-01T07:00:00.5Z", "2026-05-01T08:00:00Z", 10, "2026-05-02T07:00:00Z", "", 0},
		{"due at another time", "0 9 * * *", "2026-05-01T06:59:59.5Z", "2026-05-01T08:00:00Z", 10, "2026-05-02T07:00:00Z", "2026-05-01T07:00:00Z", 1},
		{"as many as are counted", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-05-11T08:00:00Z", 10, "2026-05-12T07:00:00Z", "2026-05-11T07:00:00Z", 10},
		{"more than are counted", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-05-12T07:00:00Z", 10, "2026-05-13T07:00:00Z", "2026-05-12T07:00:00Z", 10},
		{"none is counted", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-05-12T07:00:00Z", 0, "2026-05-13T07:00:00Z", "2026-05-12T07:00:00Z", 0},
		{"none is counted, and there is none", "0 9 * * *", "2026-05-01T07:00:00Z", "2026-05-02T06:00:00Z", -1, "2026-05-02T07:00:00Z", "", 0},
		{"down for 10 years", "* * * * * *", "2016-05-01T07:00:00Z", "2026-05-01T07:00:00.9Z", 1000, "2026-05-01T07:00:01Z", "2026-05-01T07:00:00Z", 1000},
		{"down for 10 years, rare", "0 0 29 2 *", "2016-05-01T07:00:00Z", "2026-05-01T07:00:00Z", 1, "2028-02-28T23:00:00Z", "2024-02-28T23:00:00Z", 1},
		{"up to a fold", "0 * * * *", "2026-10-24T22:00:00Z", "2026-10-25T01:30:00Z", 1, "2026-10-25T02:00:00Z", "2026-10-25T01:00:00Z", 1},
		{"up to a gap", "30 2 * * *", "2026-03-20T01:30:00Z", "2026-03-29T01:00:00Z", 1, "2026-03-30T00:30:00Z", "2026-03-29T01:00:00Z", 1},
		{"since ever", "0 9 1 1 *", "0001-01-01T00:00:00Z", "2026-05-01T00:00:00Z", 3000, "2027-01-01T08:00:00Z", "2026-01-01T08:00:00Z", 2026},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			grid := calendar.Grid{Cron: parse(t, test.spec, "Europe/Berlin")}
			require.Equal(t, at(t, test.next), grid.Next(at(t, test.due), at(t, test.now)).UTC())
			last, n := grid.Passed(at(t, test.due), at(t, test.now), test.most)
			require.Equal(t, test.n, n)
			if test.last == "" {
				require.Zero(t, last)
				return
			}
			require.Equal(t, at(t, test.last), last.UTC())
			require.Equal(t, "Europe/Berlin", last.Location().String())
		})
	}
}

func TestGridOfNothing(t *testing.T) {
	t.Parallel()
	for _, grid := range []calendar.Grid{{}, {Every: -1}, {Every: math.MinInt64}} {
		require.Zero(t, grid.Next(due, due.Add(time.Hour)))
		require.Zero(t, grid.Next(due, due.Add(-time.Hour)))
		last, n := grid.Passed(due, due.Add(time.Hour), 10)
		require.Zero(t, last)
		require.Zero(t, n)
	}
}

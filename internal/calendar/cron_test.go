package calendar_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/calendar"
)

// places are those of the acceptance: gaps and folds of an hour, at midnight, of half an hour, and for Ramadan.
var places = []string{"Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"}

func parse(tb testing.TB, spec, zone string) *calendar.Cron {
	tb.Helper()
	c, err := calendar.ParseCron(spec, zone)
	require.NoError(tb, err)
	return c
}

func at(tb testing.TB, text string) time.Time {
	tb.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(tb, err)
	return parsed
}

// following are the next n times.
func following(c *calendar.Cron, after time.Time, n int) (all []string) {
	for range n {
		after = c.Next(after)
		all = append(all, after.Format(time.RFC3339))
	}
	return all
}

var (
	begin = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2036, time.January, 1, 0, 0, 0, 0, time.UTC)
)

func TestDailyRunsOnceOnEachLocalDay(t *testing.T) {
	t.Parallel()
	for _, zone := range places {
		for _, test := range []struct{ spec, clock string }{{"30 2 * * *", "02:30"}, {"0 0 * * *", "00:00"}} {
			t.Run(zone+" "+test.clock, func(t *testing.T) {
				t.Parallel()
				c := parse(t, test.spec, zone)
				runs := map[string]int{}
				next := c.Next(begin.AddDate(0, 0, -2))
				for next.Before(end.AddDate(0, 0, 2)) {
					runs[next.Format(time.DateOnly)]++
					if set, _ := next.ZoneBounds(); !set.Equal(next) {
						require.Equal(t, test.clock+":00", next.Format(time.TimeOnly), next)
					}
					before := next
					next = c.Next(next)
					require.True(t, next.After(before), before)
				}
				for day := begin; day.Before(end); day = day.AddDate(0, 0, 1) {
					require.Equal(t, 1, runs[day.Format(time.DateOnly)], day)
				}
			})
		}
	}
}

func TestQuartersRunFourTimesInEachRealHour(t *testing.T) {
	t.Parallel()
	for _, zone := range places {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			c := parse(t, "*/15 * * * *", zone)
			next := c.Next(begin.Add(-1))
			for hour := begin; hour.Before(end); hour = hour.Add(time.Hour) {
				for i := range 4 {
					if want := hour.Add(time.Duration(i) * 15 * time.Minute); !next.Equal(want) {
						require.Equal(t, want, next.UTC())
					}
					next = c.Next(next)
				}
			}
		})
	}
}

func TestMonthlyOnThe31stSkipsShortMonths(t *testing.T) {
	t.Parallel()
	for _, zone := range places {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			c := parse(t, "0 9 31 * *", zone)
			next := c.Next(begin)
			for month := begin; month.Before(end); month = month.AddDate(0, 1, 0) {
				if month.AddDate(0, 0, 30).Month() != month.Month() {
					continue
				}
				require.Equal(t, month.Format("2006-01")+"-31 09:00:00", next.Format(time.DateTime))
				next = c.Next(next)
			}
		})
	}
}

func TestClocksThatAreSet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, spec, zone, after string
		want                    []string
	}{
		// From 02:00 to 03:00.
		{"in a gap", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"after the end of the gap it was in", "30 2 * * *", "Europe/Berlin", "2026-03-29T03:00:00+02:00", []string{"2026-03-30T02:30:00+02:00"}},
		{"several in a gap", "10,30,50 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:10:00+02:00"}},
		{"in a gap and at its end", "0 2,3 * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"in a gap and after it", "30 2,3 * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}},
		{"every minute of an hour that is a gap", "* 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"the second before the gap", "59 59 1 * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00", []string{"2026-03-29T01:59:59+01:00"}},
		{"hourly over a gap", "0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00+01:00", []string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"}},
		{"all hours as a range", "30 0-23 * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00", []string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"}},
		{"every second hour over a gap", "0 */2 * * *", "Europe/Berlin", "2026-03-28T23:30:00+01:00", []string{"2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},

		// From 03:00 to 02:00.
		{"in a fold", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"from the second half of a fold", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:15:00+01:00", []string{"2026-10-26T02:30:00+01:00"}},
		{"several in a fold", "*/30 2 * * *", "Europe/Berlin", "2026-10-25T01:00:00+02:00", []string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:00:00+01:00"}},
		{"at the end of a fold", "0 3 * * *", "Europe/Berlin", "2026-10-25T01:00:00+02:00", []string{"2026-10-25T03:00:00+01:00"}},
		{"at the end of a fold, from its second half", "0 3 * * *", "Europe/Berlin", "2026-10-25T02:15:00+01:00", []string{"2026-10-25T03:00:00+01:00"}},
		{"hourly over a fold", "0 * * * *", "Europe/Berlin", "2026-10-25T00:30:00+02:00", []string{"2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"}},
		{"every second hour over a fold", "0 */2 * * *", "Europe/Berlin", "2026-10-24T23:30:00+02:00", []string{"2026-10-25T00:00:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T04:00:00+01:00"}},

		{"a gap at midnight", "0 0 * * *", "America/Santiago", "2026-09-04T12:00:00-04:00", []string{"2026-09-05T00:00:00-04:00", "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"a gap at midnight, weekly", "0 0 * * SUN", "America/Santiago", "2026-09-05T12:00:00-04:00", []string{"2026-09-06T01:00:00-03:00", "2026-09-13T00:00:00-03:00"}},
		{"a fold at midnight", "0 0 * * *", "America/Santiago", "2026-04-03T12:00:00-03:00", []string{"2026-04-04T00:00:00-03:00", "2026-04-05T00:00:00-04:00", "2026-04-06T00:00:00-04:00"}},
		{"a fold before midnight", "30 23 * * *", "America/Santiago", "2026-04-04T12:00:00-03:00", []string{"2026-04-04T23:30:00-03:00", "2026-04-05T23:30:00-04:00"}},
		{"a gap of half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"a fold of half an hour", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00+11:00", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"hourly over half an hour", "0 * * * *", "Australia/Lord_Howe", "2026-04-05T00:30:00+11:00", []string{"2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+10:30"}},
		{"the fold before Ramadan", "30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00:00+01:00", []string{"2026-02-15T02:30:00+01:00", "2026-02-16T02:30:00Z"}},
		{"the gap after Ramadan", "30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00:00Z", []string{"2026-03-22T03:00:00+01:00", "2026-03-23T02:30:00+01:00"}},

		// There was no 30 December 2011.
		{"a day left out", "30 2 * * *", "Pacific/Apia", "2011-12-28T12:00:00-10:00", []string{"2011-12-29T02:30:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T02:30:00+14:00"}},
		{"midnight of a day left out", "0 0 * * *", "Pacific/Apia", "2011-12-28T12:00:00-10:00", []string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"}},
		{"monthly on a day left out", "0 9 30 * *", "Pacific/Apia", "2011-11-29T00:00:00-10:00", []string{"2011-11-30T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-30T09:00:00+14:00"}},
		{"hourly on a day left out", "0 * 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00-10:00", []string{"2012-12-30T00:00:00+14:00"}},

		{"a day that came twice", "0 12 * * *", "America/Juneau", "1867-10-17T00:00:00Z", []string{"1867-10-18T12:00:00+15:02", "1867-10-19T12:00:00+15:02", "1867-10-20T12:00:00-08:57"}},
		{"a gap that ends within a minute", "10 0 * * *", "Africa/Monrovia", "1972-01-06T00:00:00Z", []string{"1972-01-06T00:10:00-00:44", "1972-01-07T00:44:30Z", "1972-01-08T00:10:00Z"}},
		{"a fold where a rule takes over", "30 23 * * *", "America/Ciudad_Juarez", "2022-11-29T12:00:00-06:00", []string{"2022-11-29T23:30:00-06:00", "2022-11-30T23:30:00-07:00"}},
		{"the last day of a leap year", "0 12 * * *", "Europe/Berlin", "2032-12-30T00:00:00Z", []string{"2032-12-30T12:00:00+01:00", "2032-12-31T12:00:00+01:00", "2033-01-01T12:00:00+01:00"}},
		{"the hours of the last day of a leap year", "0 * * * *", "Europe/Berlin", "2032-12-30T23:30:00Z", []string{"2032-12-31T01:00:00+01:00", "2032-12-31T02:00:00+01:00"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, following(parse(t, test.spec, test.zone), at(t, test.after), len(test.want)))
		})
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, spec, after string
		want              []string
	}{
		{"it is strictly after", "0 9 * * *", "2026-05-01T09:00:00Z", []string{"2026-05-02T09:00:00Z"}},
		{"a moment before", "0 9 * * *", "2026-05-01T08:59:59.999999999Z", []string{"2026-05-01T09:00:00Z"}},
		{"a moment after", "* * * * * *", "2026-05-01T09:00:00.000000001Z", []string{"2026-05-01T09:00:01Z"}},
		{"the next second, minute, hour, day, month and year", "* * * * * *", "2026-12-31T23:59:58Z", []string{"2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"}},
		{"a minute that is over", "30 5 9 * * *", "2026-05-01T09:05:30Z", []string{"2026-05-02T09:05:30Z"}},
		{"an hour that is over", "50 9,11 * * *", "2026-05-01T09:55:00Z", []string{"2026-05-01T11:50:00Z"}},
		{"seconds first", "*/20 59 23 31 12 *", "2026-01-01T00:00:00Z", []string{"2026-12-31T23:59:00Z", "2026-12-31T23:59:20Z", "2026-12-31T23:59:40Z", "2027-12-31T23:59:00Z"}},
		{"a day of the week", "0 9 * * MON", "2026-05-01T00:00:00Z", []string{"2026-05-04T09:00:00Z", "2026-05-11T09:00:00Z"}},
		{"a day of the month or of the week", "0 0 13 * FRI", "2026-03-06T00:00:00Z", []string{"2026-03-13T00:00:00Z", "2026-03-20T00:00:00Z", "2026-03-27T00:00:00Z", "2026-04-03T00:00:00Z", "2026-04-10T00:00:00Z", "2026-04-13T00:00:00Z"}},
		{"a step restricts days too", "0 0 */10 * FRI", "2026-03-01T00:00:00Z", []string{"2026-03-06T00:00:00Z", "2026-03-11T00:00:00Z", "2026-03-13T00:00:00Z"}},
		{"all days of the week restrict nothing", "0 0 13 * 0-6", "2026-03-01T00:00:00Z", []string{"2026-03-13T00:00:00Z", "2026-04-13T00:00:00Z"}},
		{"all days of the month restrict nothing", "0 0 1-31 * FRI", "2026-03-01T00:00:00Z", []string{"2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"}},
		{"Monday or 29 February", "0 0 29 2 1", "2028-02-22T00:00:00Z", []string{"2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z", "2029-02-05T00:00:00Z"}},
		{"Monday, or a day that there is not", "0 0 31 2 MON", "2026-02-20T00:00:00Z", []string{"2026-02-23T00:00:00Z", "2027-02-01T00:00:00Z"}},
		{"29 February, but not of 2100", "0 0 29 2 *", "2091-01-01T00:00:00Z", []string{"2092-02-29T00:00:00Z", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"}},
		{"29 February of 2000", "0 0 29 2 *", "1896-02-29T00:00:00Z", []string{"1904-02-29T00:00:00Z"}},
		{"the 30th, from February on", "0 0 30 * *", "2026-02-01T00:00:00Z", []string{"2026-03-30T00:00:00Z"}},
		{"before 1970", "1 2 3 4 5 *", "1905-06-07T08:09:10Z", []string{"1906-05-04T03:02:01Z", "1907-05-04T03:02:01Z"}},
		{"the day before 1970", "59 59 23 * * *", "1969-12-30T12:00:00Z", []string{"1969-12-30T23:59:59Z", "1969-12-31T23:59:59Z", "1970-01-01T23:59:59Z"}},
		{"from the zero time", "0 0 1 1 *", "0001-01-01T00:00:00Z", []string{"0002-01-01T00:00:00Z"}},
		{"until the end of the year 9999", "59 59 23 31 12 *", "9998-12-31T23:59:59Z", []string{"9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"}},
		{"@yearly", "@yearly", "2026-05-01T00:00:00Z", []string{"2027-01-01T00:00:00Z"}},
		{"@annually", "@Annually", "2026-05-01T00:00:00Z", []string{"2027-01-01T00:00:00Z"}},
		{"@monthly", "@monthly", "2026-05-01T00:00:00Z", []string{"2026-06-01T00:00:00Z"}},
		{"@weekly", " @weekly ", "2026-05-01T00:00:00Z", []string{"2026-05-03T00:00:00Z"}},
		{"@daily", "@daily", "2026-05-01T00:00:00Z", []string{"2026-05-02T00:00:00Z"}},
		{"@midnight", "@midnight", "2026-05-01T00:00:00Z", []string{"2026-05-02T00:00:00Z"}},
		{"@hourly", "@HOURLY", "2026-05-01T00:00:00Z", []string{"2026-05-01T01:00:00Z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, following(parse(t, test.spec, ""), at(t, test.after), len(test.want)))
		})
	}
}

// TestNextFarAway: times begin after the zero time, which is none, and end with the year 9999.
func TestNextFarAway(t *testing.T) {
	t.Parallel()
	for _, zone := range places {
		for _, spec := range []string{"* * * * * *", "* 0 * * * *", "0 0-22 * * *", "0 0 29 2 *"} {
			c := parse(t, spec, zone)
			require.Zero(t, c.Next(time.Unix(math.MaxInt64, 0)))
			require.Zero(t, c.Next(time.Date(10000, time.January, 2, 0, 0, 0, 0, time.UTC)))
			require.True(t, c.Next(time.Unix(-1<<62, 0)).After(time.Time{}))
			require.Less(t, c.Next(time.Unix(-1<<62, 0)).Year(), 5)
		}
	}
	every := parse(t, "* * * * * *", "")
	require.Equal(t, at(t, "0001-01-01T00:00:01Z"), every.Next(time.Unix(-1<<62, 0)))
	require.Equal(t, at(t, "9999-12-31T23:59:59Z"), every.Next(at(t, "9999-12-31T23:59:58Z")))
	require.Zero(t, every.Next(at(t, "9999-12-31T23:59:59Z")))
	require.Zero(t, parse(t, "@daily", "").Next(at(t, "9999-12-31T12:00:00Z")))
	require.Zero(t, parse(t, "@hourly", "").Next(at(t, "9999-12-31T23:30:00Z")))
}

func TestNextIsInTheZone(t *testing.T) {
	t.Parallel()
	next := parse(t, "0 9 * * *", "Europe/Berlin").Next(at(t, "2026-05-01T00:00:00-07:00"))
	require.Equal(t, "Europe/Berlin", next.Location().String())
	require.Equal(t, "2026-05-02T09:00:00+02:00", next.Format(time.RFC3339))
	require.Equal(t, time.UTC, parse(t, "0 9 * * *", "").Next(next).Location())
}

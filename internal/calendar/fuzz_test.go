package calendar_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/calendar"
)

func FuzzParseCron(f *testing.F) {
	for _, spec := range []string{
		"*/15 * * * *", "30 2 * * *", "0 0 29 2 *", "0 0 13 * FRI", "10-40/5 5/15 ? jan,3-5 fri-sun", "1 2 3 4 5 7", "@daily", "@every 5s",
	} {
		for _, zone := range places {
			f.Add(spec, zone, int64(1_774_746_000), uint32(7<<16))
		}
	}
	f.Add("* * * * *", "Local", int64(1<<62), uint32(0))
	f.Add("1,,2 */0 5-1 \xff 99999999999999999999", "../etc", int64(-1<<62), ^uint32(0))
	f.Fuzz(func(t *testing.T, spec, zone string, unix int64, passed uint32) {
		c, err := calendar.ParseCron(spec, zone)
		if err != nil {
			require.Nil(t, c)
			require.True(t, utf8.ValidString(err.Error()))
			require.Less(t, len(err.Error()), 600)
			return
		}
		began, after := time.Now(), time.Unix(unix, 0)
		next := c.Next(after)
		if next.IsZero() {
			require.Greater(t, unix, time.Date(9990, time.January, 1, 0, 0, 0, 0, time.UTC).Unix())
			return
		}
		require.True(t, next.After(after))
		require.True(t, next.Equal(c.Next(next.Add(-1))), "the next of just before it")
		grid, now := calendar.Grid{Cron: c}, next.Add(time.Duration(passed)*time.Second)
		last, n := grid.Passed(next.Add(-1), now, 3)
		require.Positive(t, n)
		require.False(t, last.Before(next) || last.After(now))
		if following := c.Next(last); !following.IsZero() {
			require.True(t, following.After(now), "the newest")
		}
		require.Less(t, time.Since(began), 5*time.Second)

		upper, err := calendar.ParseCron(" "+strings.ToUpper(spec), zone)
		if err == nil {
			require.Equal(t, next, upper.Next(after))
		}
	})
}

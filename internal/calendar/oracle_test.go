package calendar_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/calendar"
)

var (
	expressions = flag.Int("expressions", 15, "random cron expressions in each zone")
	seed        = flag.Uint64("seed", 1, "of the random cron expressions")
)

// minute is what a clock on the wall shows in one minute of real time.
type minute struct {
	unix, local                       int64 // seconds
	minute, hour, day, month, weekday int
}

func newMinute(at time.Time) minute {
	local := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), 0, 0, time.UTC)
	return minute{at.Unix(), local.Unix(), at.Minute(), at.Hour(), at.Day(), int(at.Month()), int(at.Weekday())}
}

// walk is what the clock shows in the days around a time.
func walk(zone *time.Location, around time.Time) (all []minute) {
	for at := around.Add(-72 * time.Hour).Truncate(time.Hour); at.Before(around.Add(60 * time.Hour)); at = at.Add(time.Minute) {
		all = append(all, newMinute(at.In(zone)))
	}
	return all
}

// changes are the times at which a clock is set, and some others.
func changes(zone *time.Location, r *rand.Rand) (all []time.Time) {
	_, before := begin.In(zone).Zone()
	for at := begin; at.Before(end); at = at.Add(30 * time.Minute) {
		if _, offset := at.In(zone).Zone(); offset != before {
			all, before = append(all, at), offset
		}
	}
	for range 4 {
		all = append(all, begin.Add(time.Duration(r.Int64N(int64(end.Sub(begin))))))
	}
	return append(all, time.Date(2011, time.December, 30, 10, 0, 0, 0, time.UTC), time.Date(2024, time.December, 31, 0, 0, 0, 0, time.UTC))
}

// model is an expression, with what it matches.
type model struct {
	text                                      string
	second, minute, hour, day, month, weekday [64]bool
	daily                                     bool // its hours are not all
	either                                    bool // days of the month and of the week are restricted
}

// field makes a random field, as text and as what it means.
func field(r *rand.Rand, low, high int, names string, open float64) (string, [64]bool) {
	var has [64]bool
	add := func(from, to, step int) {
		for n := from; n <= to; n += step {
			if names != "" && low == 0 {
				has[n%7] = true
			} else {
				has[n] = true
			}
		}
	}
	if r.Float64() < open {
		add(low, high, 1)
		return []string{"*", "?"}[r.IntN(2)], has
	}
	most := high
	if names != "" && low == 0 {
		most = 7
	}
	name := func(n int) string {
		if names == "" || n > high || r.IntN(2) == 0 {
			return fmt.Sprint(n)
		}
		text := names[3*(n-low) : 3*(n-low)+3]
		return []string{text, strings.ToLower(text)}[r.IntN(2)]
	}
	var items []string
	for range 1 + r.IntN(3) {
		a, b, step := low+r.IntN(most-low+1), low+r.IntN(most-low+1), 1+r.IntN(high-low+1)
		if a > b {
			a, b = b, a
		}
		switch r.IntN(6) {
		case 0:
			items = append(items, fmt.Sprintf("*/%d", step))
			add(low, high, step)
		case 1:
			items = append(items, name(a)+"-"+name(b))
			add(a, b, 1)
		case 2:
			items = append(items, fmt.Sprintf("%s-%s/%d", name(a), name(b), step))
			add(a, b, step)
		case 3:
			items = append(items, fmt.Sprintf("%s/%d", name(a), step))
			add(a, max(a, high), step)
		default:
			items = append(items, name(a))
			add(a, a, 1)
		}
	}
	return strings.Join(items, ","), has
}

func newModel(r *rand.Rand) (m model) {
	var texts [6]string
	texts[0], m.second = "", [64]bool{0: true}
	if r.IntN(3) == 0 {
		texts[0], m.second = field(r, 0, 59, "", 0)
	}
	texts[1], m.minute = field(r, 0, 59, "", 0.05)
	texts[2], m.hour = field(r, 0, 23, "", 0.3)
	if r.IntN(3) == 0 { // clocks are set at night
		hour := []int{0, 1, 2, 3, 23}[r.IntN(5)]
		texts[2], m.hour = fmt.Sprint(hour), [64]bool{}
		m.hour[hour] = true
	}
	texts[3], m.day = field(r, 1, 31, "", 0.6)
	texts[4], m.month = field(r, 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 0.7)
	texts[5], m.weekday = field(r, 0, 6, "SUNMONTUEWEDTHUFRISAT", 0.6)
	m.text = strings.TrimSpace(strings.Join(texts[:], " "))
	m.daily = slices.Contains(m.hour[:24], false)
	m.either = slices.Contains(m.day[1:32], false) && slices.Contains(m.weekday[:7], false)
	return m
}

// matches reports whether some second of a local minute matches.
func (m *model) matches(at minute) bool {
	if !m.minute[at.minute] || !m.hour[at.hour] || !m.month[at.month] {
		return false
	}
	if m.either {
		return m.day[at.day] || m.weekday[at.weekday]
	}
	return m.day[at.day] && m.weekday[at.weekday]
}

// runs are when it runs, in Unix seconds: the first day of the walk only tells what the clock has shown already.
func (m *model) runs(walked []minute) (all []int64) {
	shown := map[int64]bool{}
	for i, now := range walked {
		atOnce := false
		if m.daily && i > 0 {
			for local := walked[i-1].local + 60; local < now.local; local += 60 {
				left := newMinute(time.Unix(local, 0).UTC())
				atOnce = atOnce || m.matches(left) && !shown[local]
				shown[local] = true
			}
		}
		if m.daily && shown[now.local] {
			continue
		}
		shown[now.local] = true
		if i < 24*60 {
			continue
		}
		if atOnce {
			all = append(all, now.unix)
		}
		if m.matches(now) {
			for second := range int64(60) {
				if m.second[second] && (second > 0 || !atOnce) {
					all = append(all, now.unix+second)
				}
			}
		}
	}
	return all
}

// TestCronIsThatOfTheOracle compares with an oracle that knows no zones, gaps and folds: it walks through real time minute by
// minute, looks at a clock, and remembers what the clock has shown.
func TestCronIsThatOfTheOracle(t *testing.T) {
	t.Parallel()
	for i, zone := range append(places, "Pacific/Apia", "Pacific/Chatham", "America/Havana", "America/Ciudad_Juarez") {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(*seed, uint64(i)))
			location, err := time.LoadLocation(zone)
			require.NoError(t, err)
			var walks [][]minute
			for _, change := range changes(location, r) {
				walks = append(walks, walk(location, change))
			}
			found := 0
			for range *expressions {
				m := newModel(r)
				c, err := calendar.ParseCron(m.text, zone)
				if err != nil {
					require.ErrorContains(t, err, "never matches", m.text)
				}
				for _, walked := range walks {
					want := m.runs(walked)
					found += len(want)
					if c == nil {
						require.Empty(t, want, m.text)
						continue
					}
					requireRuns(t, c, m.text, want, walked)
					requirePassed(t, r, c, m.text, want, walked)
				}
			}
			t.Log(found, "runs of", *expressions, "expressions around", len(walks), "times")
		})
	}
}

func requireRuns(t *testing.T, c *calendar.Cron, text string, want []int64, walked []minute) {
	t.Helper()
	next := c.Next(time.Unix(walked[24*60].unix-1, 0))
	for _, at := range want {
		if next.Unix() != at {
			require.Equal(t, time.Unix(at, 0).UTC(), next.UTC(), text)
		}
		next = c.Next(next)
	}
	require.Greater(t, next.Unix(), walked[len(walked)-1].unix+59, text)
}

// requirePassed checks what is next, and what has passed, between two times. One of them is close to the change.
func requirePassed(t *testing.T, r *rand.Rand, c *calendar.Cron, text string, want []int64, walked []minute) {
	t.Helper()
	first, last := walked[24*60].unix, walked[len(walked)-1].unix
	for range 5 {
		due, now, most := walked[72*60].unix+r.Int64N(4*3600)-2*3600, first+r.Int64N(last-first), r.IntN(20)
		due, now = min(due, now), max(due, now)
		i, _ := slices.BinarySearch(want, due+1)
		j, _ := slices.BinarySearch(want, now+1)
		if i < len(want) {
			require.Equal(t, want[i], c.Next(time.Unix(due, 0)).Unix(), text)
		}
		newest, n := calendar.Grid{Cron: c}.Passed(time.Unix(due, 0), time.Unix(now, 0), most)
		require.Equal(t, min(j-i, most), n, text)
		if i == j {
			require.Zero(t, newest, text)
		} else {
			require.Equal(t, want[j-1], newest.Unix(), text)
		}
	}
}

package calendar

import (
	"math"
	"math/bits"
	"time"
)

// Grid is when something recurs: at an interval or as a cron expression says. One of both is set; if it is neither, or the
// interval is negative, there are no times.
//
// A grid begins with a time that is due, which the caller remembers: it has that time and each Every after it, however late
// things ran, or the times of Cron that are not earlier.
type Grid struct {
	Every time.Duration
	Cron  *Cron
}

// Next returns the first time of the grid strictly after the given one: that is due if it is still to come. It is zero if
// there is none.
func (g Grid) Next(due, after time.Time) time.Time {
	due, after = due.Round(0), after.Round(0) // without the monotonic clock, which the times of a grid do not have
	switch {
	case g.Cron != nil && after.Before(due):
		return g.Cron.Next(due.Add(-1))
	case g.Cron != nil:
		return g.Cron.Next(after)
	case g.Every <= 0:
		return time.Time{}
	case after.Before(due):
		return due
	}
	_, rest := divide(due, after, g.Every)
	return after.Add(g.Every - rest).In(due.Location())
}

// Passed counts the times of the grid in (due, now], and returns the newest of them: zero if there is none. Of a cron
// expression it counts at most most; the newest is right nevertheless. It takes as long as most+40 calls of Next at most,
// and no time to speak of for an interval.
func (g Grid) Passed(due, now time.Time, most int) (last time.Time, n int) {
	due, now = due.Round(0), now.Round(0)
	switch {
	case !due.Before(now):
		return time.Time{}, 0
	case g.Cron != nil:
		newest, n := g.Cron.passed(due.Unix(), now.Unix(), most)
		if newest == due.Unix() {
			return time.Time{}, 0
		}
		return g.Cron.time(newest), n
	case g.Every <= 0:
		return time.Time{}, 0
	}
	n, rest := divide(due, now, g.Every)
	if n == 0 {
		return time.Time{}, 0
	}
	return now.Add(-rest).In(due.Location()), n
}

// divide is how often an interval fits between two times, at most [math.MaxInt], and what is left. It is exact also for
// times that are further apart than a [time.Duration].
func divide(from, to time.Time, every time.Duration) (n int, rest time.Duration) {
	seconds, nanos := uint64(to.Unix()-from.Unix()), to.Nanosecond()-from.Nanosecond()
	if nanos < 0 {
		seconds, nanos = seconds-1, nanos+int(time.Second)
	}
	high, low := bits.Mul64(seconds, uint64(time.Second))
	low, carry := bits.Add64(low, uint64(nanos), 0)
	high += carry
	rest = time.Duration(bits.Rem64(high, low, uint64(every)))
	if high >= uint64(every) {
		return math.MaxInt, rest
	}
	quotient, _ := bits.Div64(high, low, uint64(every))
	return int(min(quotient, math.MaxInt)), rest
}

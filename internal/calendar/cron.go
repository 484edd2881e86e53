// Package calendar tells when something recurs: at an interval, or as a cron expression says, in a time zone. It only
// computes. It has its own cron because none of the libraries that were tried (robfig/cron, netresearch/go-cron, gronx,
// cronexpr, go-quartz) runs what is daily once on each local day, also where a day begins in a gap or a clock is set back.
package calendar

import (
	"math"
	"time"
)

// Cron is a parsed cron expression in a time zone. It is made by [ParseCron], does not change, and may be used by many
// goroutines.
//
// An expression matches local times, and clocks are set forward (a gap: local times that do not exist) and back (a fold:
// local times that come twice). What is done about it depends on the hours of the expression:
//
//   - It has all 24 hours, as "*/15 * * * *" or "0 * * * *": it runs whenever a clock on the wall shows a time that matches.
//     What is in a gap does not run, what is in a fold runs twice. So "*/15" runs four times in every hour that passes.
//   - It has fewer, as "30 2 * * *" or "0 */2 * * *": each local time that matches runs once, as soon as the clock shows
//     it or has passed it. What is in a gap runs at its end, and no more than once, however much of it is in the gap. That
//     holds for a whole day that was left out too. What is in a fold runs the first time.
type Cron struct {
	fields

	zone zone
}

// A Cron recurs after the zero [time.Time], which is none, and up to the end of the year 9999, after which RFC 3339 has none.
const (
	zeroSecond = -62135596800
	lastSecond = 253402300799
	never      = math.MaxInt64 // later than any other
)

// Next returns the first time strictly after the given one, in the zone of the expression and on a full second. It is
// zero if there is none before the year 10000.
func (c *Cron) Next(after time.Time) time.Time {
	return c.time(c.next(after.Unix()))
}

func (c *Cron) time(at int64) time.Time {
	if at == never {
		return time.Time{}
	}
	return time.Unix(at, 0).In(c.zone.location)
}

// next is Next in Unix seconds.
func (c *Cron) next(after int64) int64 {
	at := int64(never)
	switch after = max(after, zeroSecond); {
	case after >= lastSecond:
	case c.hour == everyHour:
		at = c.nextShown(after + 1)
	default:
		// What the clock has shown already, or has passed in a gap, has run.
		if local := c.nextMatch(c.zone.highest(after) + 1); local != never {
			at = c.zone.reached(local)
		}
	}
	if at > lastSecond {
		return never
	}
	return at
}

// nextShown is the first time, at t or later, at which a clock on the wall shows what matches.
func (c *Cron) nextShown(t int64) int64 {
	for {
		p := c.zone.at(t)
		local := c.nextMatch(t + p.offset)
		if local == never {
			return never
		}
		if at := local - p.offset; at < p.end {
			return at
		}
		t = p.end
	}
}

// passed counts the times in (from, to], up to most of them, and finds the newest of them all: from if there is none.
func (c *Cron) passed(from, to int64, most int) (newest int64, n int) {
	newest = from
	for n < most {
		at := c.next(newest)
		if at > to {
			return newest, n
		}
		newest, n = at, n+1
	}
	for end := to; newest < end; { // there is none between end and to
		middle := newest + (end-newest)/2
		if at := c.next(middle); at <= to {
			newest = at
		} else {
			end = middle
		}
	}
	return newest, n
}

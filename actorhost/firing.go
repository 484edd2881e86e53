package actorhost

import (
	"fmt"
	"math"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/calendar"
	"github.com/troupe-go/troupe/internal/record"
)

// A run that fails is tried again after times that double from firstRetry to mostRetry, and given up after maxAttempts, or when
// the next of a recurring schedule is due.
const maxAttempts = 20

// missedAfter is how late a run may be that counts as missed only if it is to be skipped then.
const missedAfter = time.Minute

// maxCounted is how many missed times of a cron schedule are counted.
const maxCounted = 100_000

// firing is one run of a schedule.
type firing struct {
	record.Scheduled // whose Due and Missed are those of the run

	skip bool              // it is missed, and is not to run
	next *record.Scheduled // what is scheduled after it; nil: nothing
}

// firingOf returns the run that is due now.
func firingOf(one record.Scheduled, now time.Time) (firing, error) {
	f := firing{Scheduled: one}
	if !one.Recurs() {
		return f, nil
	}
	grid, err := gridOf(&one)
	if err != nil {
		return f, err
	}
	if one.Attempts == 0 {
		f.catchUp(grid, now)
	}
	after := f.Due
	if f.skip {
		after = now.UnixMilli()
	}
	f.next = f.following(grid, after)
	return f, nil
}

// gridOf is when a schedule recurs, without its offset.
func gridOf(one *record.Scheduled) (grid calendar.Grid, err error) {
	if one.Cron == "" {
		return calendar.Grid{Every: time.Duration(one.Every) * time.Millisecond}, nil
	}
	grid.Cron, err = calendar.ParseCron(one.Cron, one.Zone)
	return grid, err
}

// onGrid is a time without the offset of the schedule.
func (f *firing) onGrid(milli int64) time.Time { return time.UnixMilli(milli - f.Offset) }

// catchUp decides what becomes of the times that have passed since the run was due.
func (f *firing) catchUp(grid calendar.Grid, now time.Time) {
	due, until := f.onGrid(f.Due), now.Add(-time.Duration(f.Offset)*time.Millisecond)
	last, passed := grid.Passed(due, until, maxCounted)
	switch troupe.MissedPolicy(f.Policy) {
	case troupe.Skip:
		f.skip = passed > 0 || until.Sub(due) > missedAfter
	case troupe.RunAll:
		if passed >= troupe.MaxMissed { // begin with the last of them
			f.Due = earliestOf(grid, due, until).UnixMilli() + f.Offset
			f.Missed = min(passed+1-troupe.MaxMissed, math.MaxInt32)
		}
	default:
		if passed > 0 {
			f.Due, f.Missed = last.UnixMilli()+f.Offset, min(passed, math.MaxInt32)
		}
	}
}

// earliestOf is the first of the last troupe.MaxMissed times of a grid until a time.
func earliestOf(grid calendar.Grid, due, until time.Time) time.Time {
	low, high := due, until // after low there are as many or more, after high fewer
	for high.Sub(low) > time.Millisecond {
		middle := low.Add(high.Sub(low) / 2)
		first := grid.Next(due, middle)
		if _, n := grid.Passed(first, until, troupe.MaxMissed); n+1 >= troupe.MaxMissed {
			low = middle
		} else {
			high = middle
		}
	}
	return grid.Next(due, low)
}

// following is the schedule as it is after this run, or nil if it never runs again.
func (f *firing) following(grid calendar.Grid, after int64) *record.Scheduled {
	at := grid.Next(f.onGrid(f.Due), f.onGrid(after))
	if at.IsZero() {
		return nil
	}
	next := f.Scheduled
	next.Due, next.Try, next.Attempts, next.Error, next.Missed = at.UnixMilli()+f.Offset, 0, 0, "", 0
	return &next
}

// id tells the run from all others of the actor.
func (f *firing) id() string { return fmt.Sprintf("%s/%d/%d", f.Name, f.Set, f.Due) }

// what names the run in the record while it is under way. Which of those that were due it is does not matter, and may be another
// each time.
func (f *firing) what() string { return fmt.Sprintf("~schedule/%s/%d", f.Name, f.Set) }

// done is the change by which the run is over.
func (f *firing) done() record.Change {
	if f.next == nil {
		return record.RemoveSchedule{Name: f.Name, Ran: true}
	}
	return record.PutSchedule{Scheduled: *f.next}
}

// failed are the changes by which the run is tried again, or given up: if need be, at once.
func (f *firing) failed(reason string, now time.Time, atOnce bool) (changes []record.Change, parked bool) {
	again := f.Scheduled
	again.Attempts++
	again.Error = reason
	again.Try = ceilMilli(now.Add(min(firstRetry<<min(again.Attempts-1, 16), mostRetry)))
	if !atOnce && again.Attempts < maxAttempts && (f.next == nil || again.Try < f.next.Due) {
		return []record.Change{record.PutSchedule{Scheduled: again}}, false
	}
	return []record.Change{record.Park{Scheduled: again}, f.done()}, true
}

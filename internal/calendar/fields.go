package calendar

import (
	"math/bits"
	"time"
)

// fields are what an expression matches: local times, as seconds since 1970-01-01 00:00 by the local clock. Zones are not
// known here.
type fields struct {
	second, minute, hour, day, month, weekday set
}

// set has numbers from 0 to 63.
type set uint64

// between has the numbers from low to high.
func between(low, high int) set { return ^set(0) << low &^ (^set(0) << (high + 1)) }

// from is the lowest number that is not lower than n, or -1.
func (s set) from(n int) int {
	if s = s >> n << n; s == 0 {
		return -1
	}
	return bits.TrailingZeros64(uint64(s))
}

var (
	everyHour    = between(0, 23)
	everyDay     = between(1, 31)
	everyWeekday = between(0, 6)
)

const (
	daySeconds = 24 * 60 * 60
	maxMonths  = 8*12 + 1 // from one 29 February to the next, as there is none in 2100
)

// nextMatch is the first local time, at the given one or later, that matches. It is never if no day does.
func (f *fields) nextMatch(local int64) int64 {
	second := local % daySeconds
	if second < 0 {
		second += daySeconds
	}
	today := local - second
	day := f.nextDay(today)
	if day == today {
		if clock := f.nextClock(int(second)); clock >= 0 {
			return day + int64(clock)
		}
		day = f.nextDay(today + daySeconds)
	}
	if day == never {
		return never
	}
	return day + int64(f.nextClock(0))
}

// nextClock is the first second of a day, at the given one or later, that matches, or -1.
func (f *fields) nextClock(second int) int {
	h, m, s := second/3600, second/60%60, second%60
	hour := f.hour.from(h)
	if hour == h {
		minute := f.minute.from(m)
		if minute == m {
			if s = f.second.from(s); s >= 0 {
				return hour*3600 + minute*60 + s
			}
			minute = f.minute.from(m + 1)
		}
		if minute >= 0 {
			return hour*3600 + minute*60 + f.second.from(0)
		}
		hour = f.hour.from(h + 1)
	}
	if hour < 0 {
		return -1
	}
	return hour*3600 + f.minute.from(0)*60 + f.second.from(0)
}

// nextDay is the start of the first day, on the given one or later, that matches.
func (f *fields) nextDay(start int64) int64 {
	year, month, day := time.Unix(start, 0).UTC().Date()
	for range maxMonths {
		if f.month&between(int(month), int(month)) != 0 {
			if found := f.days(year, month).from(day); found > 0 {
				return time.Date(year, month, found, 0, 0, 0, 0, time.UTC).Unix()
			}
		}
		month, day = month+1, 1
		if month > time.December {
			year, month = year+1, time.January
		}
	}
	return never
}

// days are those days of a month that match. A field that has all its values restricts nothing. If the days of the month
// and of the week are both restricted, either is enough.
func (f *fields) days(year int, month time.Month) set {
	end := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC)
	first := (int(end.Weekday()) + 36 - end.Day()) % 7 // its day of the week
	weeks := f.weekday * (1 | 1<<7 | 1<<14 | 1<<21 | 1<<28 | 1<<35)
	weekdays := weeks >> first << 1
	matching := f.day & weekdays
	if f.day != everyDay && f.weekday != everyWeekday {
		matching = f.day | weekdays
	}
	return matching & between(1, end.Day())
}

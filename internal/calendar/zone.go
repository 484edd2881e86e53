package calendar

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"sync"
	"time"
	_ "time/tzdata" // a host in a container from scratch has no zones
)

// zone is a time zone as a clock on the wall: at each time it shows a local time.
type zone struct{ location *time.Location }

// piece is a while in which the clock is not set, from some time to end. It is offset seconds ahead of UTC.
type piece struct{ end, offset int64 }

// at is the piece that has t. What comes after it may have the same offset: far in the future, a piece ends with the year.
// Where a piece has begun is not used, because [time.Time.ZoneBounds] errs there: where the changes that are listed for a
// zone end, and a rule takes over, it may say when the rule would have begun.
func (z zone) at(t int64) piece {
	at := time.Unix(t, 0).In(z.location)
	_, offset := at.Zone()
	p := piece{end: math.MaxInt64, offset: int64(offset)}
	if _, end := at.ZoneBounds(); !end.IsZero() {
		p.end = end.Unix()
	}
	if p.end <= t { // it gives each year 365 days, so this is the last day of a leap year
		p.end = t - t%daySeconds + daySeconds
	}
	return p
}

// apart is longer than any clock is ahead of UTC or behind it, and than any clock was ever set back.
const apart = 2 * daySeconds

// highest is the latest local time that the clock has shown up to t.
func (z zone) highest(t int64) int64 {
	local := int64(math.MinInt64)
	for at := t - apart; ; {
		p := z.at(at)
		if t < p.end {
			return max(local, t+p.offset)
		}
		local = max(local, p.end-1+p.offset)
		at = p.end
	}
}

// reached is the first time at which the clock shows a local time, or has passed it.
func (z zone) reached(local int64) int64 {
	for t := local - apart; ; {
		p := z.at(t)
		if at := local - p.offset; at < p.end {
			return max(t, at)
		}
		t = p.end
	}
}

// A zone has some kilobytes, and is read from a file: those that use the same share it.
var zones = struct {
	sync.Mutex

	byName map[string]zone
}{byName: map[string]zone{}}

const maxZones = 1000 // there are some 600

// zoneName is how the names of IANA look. Others that are found in a file are of this host alone: localtime, posix/...
var zoneName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`)

func loadZone(name string) (zone, error) {
	switch {
	case name == "":
		return zone{time.UTC}, nil
	case name == "Local":
		return zone{}, errors.New(`the time zone "Local" is another on each host: name one, such as "Europe/Berlin"`)
	case len(name) > maxLength || !zoneName.MatchString(name):
		return zone{}, unknownZone(name)
	}
	zones.Lock()
	z, ok := zones.byName[name]
	zones.Unlock()
	if ok {
		return z, nil
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return zone{}, unknownZone(name)
	}
	z = zone{location}
	zones.Lock()
	defer zones.Unlock()
	if len(zones.byName) >= maxZones { // a file system that ignores case finds a zone under many names
		clear(zones.byName)
	}
	zones.byName[name] = z
	return z, nil
}

func unknownZone(name string) error {
	return fmt.Errorf(`the time zone %s is unknown: name one of IANA, such as "Europe/Berlin"`, quoted(name))
}

// Package clock is the clock of one host: the time since the host's start, unaffected by changes of the system time.
package clock

import "time"

// Clock counts from its start.
type Clock struct{ began time.Time }

// Start starts a clock. No time of it is 0, not even where time stands still.
func Start() *Clock { return &Clock{time.Now().Add(-1)} }

// Now returns how long the clock has run.
func (c *Clock) Now() time.Duration { return time.Since(c.began) }

// Time converts a time of this clock to a time of day.
func (c *Clock) Time(at time.Duration) time.Time { return c.began.Add(at) }

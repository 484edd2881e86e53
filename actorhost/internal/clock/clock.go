// Package clock is the time of one host: how long it has been there, by a clock that nobody sets.
package clock

import "time"

// Clock has begun with its host.
type Clock struct{ began time.Time }

// Start starts a clock.
func Start() *Clock { return &Clock{time.Now()} }

// Now is how long the clock has run.
func (c *Clock) Now() time.Duration { return time.Since(c.began) }

// Time is the time of day at which the clock showed, or will show, a time of its own.
func (c *Clock) Time(at time.Duration) time.Time { return c.began.Add(at) }

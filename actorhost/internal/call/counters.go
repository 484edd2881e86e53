package call

import (
	"sync/atomic"
	"time"
)

// Counters count the calls of one action on a host.
type Counters struct {
	Calls, Failed atomic.Int64
	Took          atomic.Int64 // nanoseconds of all turns
	LastError     atomic.Pointer[string]
}

// Count counts a call whose action has run.
func (c *Counters) Count(took time.Duration, err error) {
	c.Calls.Add(1)
	c.Took.Add(int64(took))
	if err != nil {
		c.fail(err)
	}
}

// fail counts a call that is answered with an error.
func (c *Counters) fail(err error) {
	text := err.Error()
	c.Failed.Add(1)
	c.LastError.Store(&text)
}

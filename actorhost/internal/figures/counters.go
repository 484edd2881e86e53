package figures

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/wire"
)

// Counters are the figures of the turns of one kind and name, of one actor type on one host.
type Counters struct {
	Type, Name string
	Kind       wire.TurnKind
	Recent     *Recent // of the host; nil counts all the same

	Calls, Failed atomic.Int64
	LastError     atomic.Pointer[string]
	total         Histogram
	wait          Histogram
	Run           Histogram

	mu     sync.Mutex
	errors map[Failure]int64 // nil until there is one
}

// Failure is a kind of error.
type Failure struct {
	Code troupe.Code
	Own  bool // the actor returns it on purpose
}

// maxFailures is how many kinds of errors are counted each by itself, of one name. Further ones count as [otherCode].
const maxFailures = 64

const otherCode troupe.Code = "other"

// Turn is a turn as it is counted.
type Turn struct {
	Actor   string        // as tokens of a subject
	Kind    wire.TurnKind // if it is another than that of the counters
	ID      dedup.ID
	Arrived bool          // it has waited in the mailbox, so long:
	Wait    time.Duration // from the arrival of what it is for
	Run     time.Duration
	Err     *troupe.Error
}

// Slow is from when on a turn is slow: its wait, its run or both with the storing of what it has changed.
const Slow = time.Second

// Count counts a turn that has run.
func (c *Counters) Count(t *Turn) {
	c.Calls.Add(1)
	c.Run.Add(t.Run)
	if t.Arrived {
		c.wait.Add(t.Wait)
	}
	switch {
	case t.Err != nil:
		c.Fail(t)
	case t.Wait+t.Run >= Slow:
		c.Recent.add(slow, c, t)
	}
}

// Fail counts an error of a turn that is counted, or whose call was not run.
func (c *Counters) Fail(t *Turn) {
	text := t.Err.Error()
	c.Failed.Add(1)
	c.LastError.Store(&text)
	f := Failure{t.Err.Code, t.Err.FromActor}
	c.mu.Lock()
	if _, known := c.errors[f]; !known {
		if c.errors == nil {
			c.errors = make(map[Failure]int64, 1)
		}
		if len(c.errors) >= maxFailures {
			f.Code = otherCode
		}
	}
	c.errors[f]++
	c.mu.Unlock()
	if f.Own {
		c.Recent.add(own, c, t)
	} else {
		c.Recent.add(failed, c, t)
	}
}

// Answered counts how long a call took from its arrival until its answer left.
func (c *Counters) Answered(total time.Duration) { c.total.Add(total) }

// Figures are those since the start of the host.
func (c *Counters) Figures() wire.TurnFigures {
	f := wire.TurnFigures{
		Type: c.Type, Kind: c.Kind, Name: c.Name, Calls: c.Calls.Load(),
		Total: c.total.Spread(), Wait: c.wait.Spread(), Run: c.Run.Spread(),
	}
	f.Errors, f.Own = make(map[string]int64), make(map[string]int64)
	c.AddErrors(f.Errors, f.Own)
	return f
}

// AddErrors adds the errors to maps by code.
func (c *Counters) AddErrors(errors, own map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for failure, n := range c.errors {
		if failure.Own {
			own[string(failure.Code)] += n
		} else {
			errors[string(failure.Code)] += n
		}
	}
}

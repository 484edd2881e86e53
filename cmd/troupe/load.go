package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// load is what is measured at a time: so many calls, or for so long.
type load struct {
	inFlight int
	calls    int // 0: as many as there is time for
	time     time.Duration
	done     *atomic.Int64 // counts the calls of all loads
}

// tally is how a load went.
type tally struct {
	mu     sync.Mutex
	times  *hdrhistogram.Histogram // of the calls that succeeded, in microseconds
	errors map[string]int          // how often each code came
	first  error
	took   time.Duration
}

// longest is the longest time that is told from longer ones.
const longest = 10 * time.Minute

func newTally() *tally {
	const digits = 3
	return &tally{times: hdrhistogram.New(1, longest.Microseconds(), digits), errors: make(map[string]int)}
}

// run makes the calls of a load: do is told how manyth one it makes. What an interrupt has ended is not counted.
func (l load) run(ctx context.Context, t *tally, do func(ctx context.Context, call int) error) {
	began := time.Now()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range l.inFlight {
		workers.Go(func() {
			for ctx.Err() == nil {
				call := int(next.Add(1)) - 1
				start := time.Now()
				if l.calls > 0 && call >= l.calls || l.calls == 0 && start.Sub(began) >= l.time {
					return
				}
				err := do(ctx, call)
				if ctx.Err() != nil {
					return
				}
				t.add(time.Since(start), err)
				l.done.Add(1)
			}
		})
	}
	workers.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took += time.Since(began)
}

func (t *tally) add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		_ = t.times.RecordValue(min(took, longest).Microseconds()) // fails only for what is longer
		return
	}
	f, _ := asFailure(err)
	t.errors[f.Code]++
	if t.first == nil {
		t.first = err
	}
}

// rate is how many calls succeeded in a second.
func (t *tally) rate() float64 {
	if t.took <= 0 {
		return 0
	}
	return float64(t.times.TotalCount()) / t.took.Seconds()
}

// whole reports whether there were calls and all have succeeded.
func (t *tally) whole() bool { return t.first == nil && t.rate() > 0 }

// merge adds what another tally has.
func (t *tally) merge(other *tally) {
	t.times.Merge(other.times)
	for code, count := range other.errors {
		t.errors[code] += count
	}
	if t.first == nil {
		t.first = other.first
	}
	t.took += other.took
}

// percentile is the time that so many percent of the calls that succeeded took at most.
func (t *tally) percentile(percent float64) time.Duration {
	return time.Duration(t.times.ValueAtPercentile(percent)) * time.Microsecond
}

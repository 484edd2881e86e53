package main

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally is the result of a load.
type tally struct {
	mu     sync.Mutex
	times  *hdrhistogram.Histogram // of the calls that succeeded, in microseconds
	errors map[string]int          // by code
	first  error
	took   time.Duration
}

// maxLatency is the longest latency that is recorded; longer ones count as this.
const maxLatency = 10 * time.Minute

func newTally() *tally {
	const digits = 3
	return &tally{times: hdrhistogram.New(1, maxLatency.Microseconds(), digits), errors: make(map[string]int)}
}

func (t *tally) add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		_ = t.times.RecordValue(min(took, maxLatency).Microseconds()) // fails only for longer times
		return
	}
	f, _ := asFailure(err)
	t.errors[f.Code]++
	if t.first == nil {
		t.first = err
	}
}

// rate is the number of successful calls per second.
func (t *tally) rate() float64 {
	if t.took <= 0 {
		return 0
	}
	return float64(t.times.TotalCount()) / t.took.Seconds()
}

// allSucceeded reports whether there were calls and all succeeded.
func (t *tally) allSucceeded() bool { return t.first == nil && t.rate() > 0 }

// merge adds another tally.
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

// percentile is the longest time among the fastest percent of the successful calls.
func (t *tally) percentile(percent float64) time.Duration {
	return time.Duration(t.times.ValueAtPercentile(percent)) * time.Microsecond
}

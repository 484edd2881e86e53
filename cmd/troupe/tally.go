package main

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally is how a load went.
type tally struct {
	mu     sync.Mutex
	times  *hdrhistogram.Histogram // of the calls that succeeded, in microseconds
	errors map[string]int          // how often each code came
	first  error
	took   time.Duration
}

// maxLatency is the longest time that is told from longer ones.
const maxLatency = 10 * time.Minute

func newTally() *tally {
	const digits = 3
	return &tally{times: hdrhistogram.New(1, maxLatency.Microseconds(), digits), errors: make(map[string]int)}
}

func (t *tally) add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		_ = t.times.RecordValue(min(took, maxLatency).Microseconds()) // fails only for what is longer
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

// allSucceeded reports whether there were calls and all have succeeded.
func (t *tally) allSucceeded() bool { return t.first == nil && t.rate() > 0 }

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

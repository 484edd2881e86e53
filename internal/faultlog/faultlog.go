// Package faultlog logs faults that last: the first failure at once, then at most one line a minute with a count, and the
// end.
package faultlog

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// every is the least time between two lines about a fault.
	every = time.Minute
	// quiet is how long nothing must have failed before a fault is over. Some may succeed while others fail.
	quiet = 5 * time.Second
	// maxFaults are kept. When there are more, all are forgotten, and logged anew.
	maxFaults = 256
)

// Log logs the faults of one host. The nil Log logs nothing. It is safe for concurrent use.
type Log struct {
	logger *slog.Logger
	open   atomic.Int32 // faults

	mu     sync.Mutex
	faults map[string]*fault // by cause
}

// fault is one cause, which may keep several things from working.
type fault struct {
	what                map[string]bool // false: has not failed the last time
	since, last, logged time.Time
	failures            int
}

func (f *fault) fails() bool {
	for _, fails := range f.what {
		if fails {
			return true
		}
	}
	return false
}

// New returns a Log without faults.
func New(logger *slog.Logger) *Log { return &Log{logger: logger, faults: make(map[string]*fault)} }

// Failed says that something has failed, at the same place in the program always in the same words. All failures with one
// cause are one fault. An empty cause is one of that thing alone.
func (l *Log) Failed(what, cause string, err error, about ...slog.Attr) {
	if l == nil {
		return
	}
	now := time.Now()
	if cause == "" {
		cause = what
	}
	l.mu.Lock()
	f := l.faults[cause]
	if f == nil {
		if len(l.faults) >= maxFaults {
			clear(l.faults)
			l.open.Store(0)
		}
		f = &fault{what: make(map[string]bool, 1), since: now}
		l.faults[cause] = f
		l.open.Add(1)
	}
	f.what[what] = true
	f.last = now
	f.failures++
	tell := f.logged.IsZero() || now.Sub(f.logged) >= every
	if tell {
		f.logged = now
	}
	failures, since := f.failures, f.since
	l.mu.Unlock()
	if !tell {
		return
	}
	about = append(slices.Clone(about), slog.Any("error", err))
	if failures > 1 {
		about = append(about, slog.Int("failures", failures), slog.Duration("for", now.Sub(since).Round(time.Second)))
	}
	l.logger.LogAttrs(context.Background(), slog.LevelWarn, what, about...)
}

// Works says that something has not failed. It costs little while there is no fault.
func (l *Log) Works(what string, about ...slog.Attr) {
	if l == nil || l.open.Load() == 0 {
		return
	}
	now := time.Now()
	type end struct {
		cause string
		fault
	}
	var over []end
	l.mu.Lock()
	for _, cause := range slices.Sorted(maps.Keys(l.faults)) {
		f := l.faults[cause]
		if f.what[what] {
			f.what[what] = false
		}
		if now.Sub(f.last) >= quiet && !f.fails() {
			delete(l.faults, cause)
			l.open.Add(-1)
			over = append(over, end{cause, *f})
		}
	}
	l.mu.Unlock()
	for _, f := range over {
		attrs := append(slices.Clone(about), slog.String("cause", f.cause), slog.Int("failures", f.failures),
			slog.Duration("for", now.Sub(f.since).Round(time.Second)))
		l.logger.LogAttrs(context.Background(), slog.LevelInfo, "a fault is over", attrs...)
	}
}

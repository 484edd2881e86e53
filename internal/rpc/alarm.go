package rpc

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// alarm wakes the requests whose time is over. All of a Requester share it: a timer for each costs more than all else
// that a request does. Times are nanoseconds since it was made.
type alarm struct {
	began time.Time
	next  atomic.Int64 // when it goes off: not later than the first request wants it
	timer *time.Timer
}

const never = math.MaxInt64

// set has a request woken at a time.
func (r *Requester) set(q *Request, at time.Time) {
	until := max(1, int64(at.Sub(r.alarm.began)))
	q.until.Store(until)
	if until >= r.alarm.next.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting != nil && until < r.alarm.next.Load() {
		r.ring(until)
	}
}

// ring has the alarm go off at a time. The caller holds r.mu.
func (r *Requester) ring(at int64) {
	r.alarm.next.Store(at)
	wait := time.Duration(at) - time.Since(r.alarm.began)
	if r.alarm.timer == nil {
		r.alarm.timer = time.AfterFunc(wait, r.wake)
	} else {
		r.alarm.timer.Reset(wait)
	}
}

// wake wakes the requests whose time is over, and sets the alarm for the next.
func (r *Requester) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alarm.next.Store(never) // who sets a time from here on waits for r.mu, and finds the next
	now, next := int64(time.Since(r.alarm.began)), int64(never)
	for _, q := range r.waiting {
		switch until := q.until.Load(); {
		case until == 0:
		case until <= now:
			if q.until.CompareAndSwap(until, 0) {
				q.take(reply{err: context.DeadlineExceeded})
			}
		default:
			next = min(next, until)
		}
	}
	if next < never {
		r.ring(next)
	}
}

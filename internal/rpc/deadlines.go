package rpc

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// deadlines wakes the requests whose time is over. All of a Requester share it: a timer for each costs more than all else
// that a request does. Times are nanoseconds since it was made.
type deadlines struct {
	began time.Time
	next  atomic.Int64 // when it goes off: not later than the first request wants it
	timer *time.Timer
}

const never = math.MaxInt64

// setDeadline has a request woken at a time.
func (r *Requester) setDeadline(q *Request, at time.Time) {
	until := max(1, int64(at.Sub(r.deadlines.began)))
	q.deadline.Store(until)
	if until >= r.deadlines.next.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting != nil && until < r.deadlines.next.Load() {
		r.armTimer(until)
	}
}

// armTimer has the alarm go off at a time. The caller holds r.mu.
func (r *Requester) armTimer(at int64) {
	r.deadlines.next.Store(at)
	wait := time.Duration(at) - time.Since(r.deadlines.began)
	if r.deadlines.timer == nil {
		r.deadlines.timer = time.AfterFunc(wait, r.expire)
	} else {
		r.deadlines.timer.Reset(wait)
	}
}

// expire wakes the requests whose time is over, and sets the alarm for the next.
func (r *Requester) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadlines.next.Store(never) // who sets a time from here on waits for r.mu, and finds the next
	now, next := int64(time.Since(r.deadlines.began)), int64(never)
	for _, q := range r.waiting {
		switch until := q.deadline.Load(); {
		case until == 0:
		case until <= now:
			if q.deadline.CompareAndSwap(until, 0) {
				q.offer(reply{err: context.DeadlineExceeded})
			}
		default:
			next = min(next, until)
		}
	}
	if next < never {
		r.armTimer(next)
	}
}

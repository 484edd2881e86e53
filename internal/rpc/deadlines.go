package rpc

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// deadlines fails the requests whose time is over. All requests of a Requester share one timer, because a timer for
// each would cost more than the rest of a request. Times are nanoseconds since the Requester was made.
type deadlines struct {
	began time.Time
	next  atomic.Int64 // when the timer fires; not later than the earliest deadline
	timer *time.Timer
}

const never = math.MaxInt64

// setDeadline fails a request at the given time, unless it gets a reply before.
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

// armTimer sets the timer. The caller holds r.mu.
func (r *Requester) armTimer(at int64) {
	r.deadlines.next.Store(at)
	wait := time.Duration(at) - time.Since(r.deadlines.began)
	if r.deadlines.timer == nil {
		r.deadlines.timer = time.AfterFunc(wait, r.expire)
	} else {
		r.deadlines.timer.Reset(wait)
	}
}

// expire fails the requests whose time is over, and sets the timer for the next.
func (r *Requester) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadlines.next.Store(never) // a setDeadline from here on waits for r.mu and sees the new value
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

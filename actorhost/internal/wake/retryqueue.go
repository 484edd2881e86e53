package wake

import (
	"math/bits"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/internal/store"
)

// retryQueue has the events of one actor that another, a durable subscriber, is to be told of. There is one notice under
// way for it at a time, for all that waits; when it fails, the newest is told again later, and makes up for the rest. So a
// subscriber that is slow, or always fails, holds up nobody else. It is guarded by the mutex of all queues.
type retryQueue struct {
	subscription
	waiting []notice
	busy    bool // it waits for a notifier, or has one

	failures int       // in a row
	logged   bool      // one of them
	newest   uint64    // event in the log that is wanted again, if there were failures
	retryAt  time.Time // not before
	dueBy    time.Time // it should have been delivered again by then
}

// subscription is what an actor has subscribed to: the events of a source.
type subscription struct {
	subscriber, source troupe.ID
}

// notice is an event for one of its subscribers.
type notice struct {
	*delivery
	to store.Subscriber
}

// Before an event is told again that a subscriber has failed with, twice as long each time.
const minRetry, maxRetry = time.Second, 30 * time.Second

// put has a notice wait, or returns the time after which the event is wanted again, noRetry if it is not.
func (q *retryQueue) put(n notice, now time.Time) (retry time.Duration, waits bool) {
	switch {
	case q.failures > 0 && n.Sequence < q.newest && now.Before(q.dueBy):
		return noRetry, false // for the newest makes up for it
	case q.failures > 0 && now.Before(q.retryAt):
		q.newest = n.Sequence
		return q.retryAt.Sub(now), false
	}
	q.waiting = append(q.waiting, n)
	return noRetry, true
}

// take takes all that waits.
func (q *retryQueue) take() []notice {
	batch := q.waiting
	q.waiting = nil
	return batch
}

// settle notes what has come of a notice, and returns the time after which its event is wanted again, noRetry if it is not.
func (q *retryQueue) settle(n notice, err error, now time.Time) (retry time.Duration) {
	switch {
	case err != nil:
		retry = min(minRetry<<min(q.failures, 8), maxRetry)
		q.failures++
		q.newest = max(q.newest, n.Sequence)
		q.retryAt = now.Add(retry)
		q.dueBy = q.retryAt.Add(maxRetry)
	case n.Sequence >= q.newest:
		q.failures, q.newest, q.logged = 0, 0, false
	}
	return retry
}

// log reports whether a failure is to be logged: one of those in a row. There may have been others that this host has
// forgotten, or that another has had, so of the deliveries of one event it is the 1st, the 2nd, the 4th, and so on.
func (q *retryQueue) log(n notice) bool {
	if q.logged || bits.OnesCount64(n.Delivered) > 1 {
		return false
	}
	q.logged = true
	return true
}

// retryQueues are those in which something waits, or that wait for something to be delivered again.
type retryQueues struct {
	mu        sync.Mutex
	all       map[subscription]*retryQueue
	ready     queue.FIFO[*retryQueue] // that wait for a notifier
	notifiers int                     // goroutines that take queues and settle them
}

const maxNotifiers = 256

func newRetryQueues() retryQueues { return retryQueues{all: make(map[subscription]*retryQueue)} }

// add puts a notice into the queue of its subscriber, or answers it. It reports whether the caller must start a notifier.
func (r *retryQueues) add(n notice) (start bool) {
	r.mu.Lock()
	s := subscription{n.to.ID, n.Actor}
	q := r.all[s]
	if q == nil {
		q = &retryQueue{subscription: s}
		r.all[s] = q
	}
	retry, waits := q.put(n, time.Now())
	if waits && !q.busy {
		r.makeReady(q)
		if start = r.notifiers < maxNotifiers; start {
			r.notifiers++
		}
	}
	r.mu.Unlock()
	if !waits {
		n.answer(retry)
	}
	return start
}

// makeReady is called by who holds r.mu.
func (r *retryQueues) makeReady(q *retryQueue) {
	q.busy = true
	r.ready.Push(q)
}

// next takes all that waits in the queue that is ready for the longest time. Without one the notifier must end.
func (r *retryQueues) next() (q *retryQueue, batch []notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready.Len() == 0 {
		r.notifiers--
		return nil, nil
	}
	q = r.ready.Pop()
	return q, q.take()
}

// settle answers what next has returned, of which the notice for the newest has succeeded or failed. It reports whether that
// is to be logged.
func (r *retryQueues) settle(q *retryQueue, batch []notice, newest notice, err error) (log bool) {
	r.mu.Lock()
	now := time.Now()
	retry := q.settle(newest, err, now)
	log = err != nil && q.log(newest)
	answers := make([]answer, 0, len(batch))
	for _, n := range batch {
		if n.Sequence == newest.Sequence {
			answers = append(answers, answer{n.delivery, retry})
		} else { // that makes up for it
			answers = append(answers, answer{n.delivery, noRetry})
		}
	}
	q.busy = false
	for _, n := range q.take() { // what has come meanwhile
		if retry, waits := q.put(n, now); !waits {
			answers = append(answers, answer{n.delivery, retry})
		}
	}
	switch {
	case len(q.waiting) > 0:
		r.makeReady(q)
	case q.failures == 0:
		delete(r.all, q.subscription)
	}
	r.mu.Unlock()
	for _, a := range answers {
		a.delivery.answer(a.retry)
	}
	return log
}

// answer is one to a delivery.
type answer struct {
	delivery *delivery
	retry    time.Duration
}

// forgetOverdue forgets failures whose event is delivered elsewhere.
func (r *retryQueues) forgetOverdue(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, q := range r.all {
		if !q.busy && now.After(q.dueBy) {
			delete(r.all, s)
		}
	}
}

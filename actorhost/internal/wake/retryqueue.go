package wake

import (
	"math/bits"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/internal/store"
)

// retryQueue holds the events of one source that one durable subscriber must be notified of. One notice at a time is
// under way, for all that wait. If it fails, the newest event is retried later, which also covers the others. So a
// subscriber that is slow, or always fails, holds up no others. It is guarded by retryQueues.mu.
type retryQueue struct {
	subscription
	waiting []notice
	busy    bool // it waits for a notifier, or has one

	failures int       // consecutive
	logged   bool      // one of them
	newest   store.Fed // after failures: the event to be retried
	retryAt  time.Time // not before
	dueBy    time.Time // when the event should have been delivered again at the latest
}

// subscription is a subscriber and the source of the events that it subscribes to.
type subscription struct {
	subscriber, source troupe.ID
}

// notice tells one subscriber of an event.
type notice struct {
	*delivery
	to store.Subscriber
}

// The pause before a failed event is retried doubles from minRetry to maxRetry.
const minRetry, maxRetry = time.Second, 30 * time.Second

// put queues a notice. If waits is false it did not, and retry is the time after which the event is needed again, or
// noRetry.
func (q *retryQueue) put(n notice, now time.Time) (retry time.Duration, waits bool) {
	switch {
	case q.failures > 0 && n.Before(q.newest) && now.Before(q.dueBy):
		return noRetry, false // the newest covers it
	case q.failures > 0 && now.Before(q.retryAt):
		q.newest = n.Fed
		return q.retryAt.Sub(now), false
	}
	q.waiting = append(q.waiting, n)
	return noRetry, true
}

// take removes and returns all waiting notices.
func (q *retryQueue) take() []notice {
	batch := q.waiting
	q.waiting = nil
	return batch
}

// settle records the outcome of a notice, and returns the time after which its event is needed again, or noRetry.
func (q *retryQueue) settle(n notice, err error, now time.Time) (retry time.Duration) {
	switch {
	case err != nil:
		retry = min(minRetry<<min(q.failures, 8), maxRetry)
		q.failures++
		if q.newest.Before(n.Fed) {
			q.newest = n.Fed
		}
		q.retryAt = now.Add(retry)
		q.dueBy = q.retryAt.Add(maxRetry)
	case !n.Before(q.newest):
		q.failures, q.newest, q.logged = 0, store.Fed{}, false
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

// retryQueues are the queues that have notices waiting or under way, or a retry to come.
type retryQueues struct {
	mu        sync.Mutex
	all       map[subscription]*retryQueue
	ready     queue.FIFO[*retryQueue] // queues that wait for a notifier
	notifiers int                     // goroutines that run runNotifier
}

const maxNotifiers = 256

func newRetryQueues() retryQueues { return retryQueues{all: make(map[subscription]*retryQueue)} }

// add queues a notice for its subscriber, or answers it. It reports whether the caller must start a notifier.
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

// makeReady queues q for a notifier. The caller holds r.mu.
func (r *retryQueues) makeReady(q *retryQueue) {
	q.busy = true
	r.ready.Push(q)
}

// next takes all notices of the queue that has been ready longest. If no queue is ready, the notifier must end.
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

// settle answers the batch that next returned, after the notice for the newest event has succeeded or failed. It
// reports whether a failure is to be logged.
func (r *retryQueues) settle(q *retryQueue, batch []notice, newest notice, err error) (log bool) {
	r.mu.Lock()
	now := time.Now()
	retry := q.settle(newest, err, now)
	log = err != nil && q.log(newest)
	answers := make([]answer, 0, len(batch))
	for _, n := range batch {
		if !n.Before(newest.Fed) { // the newest covers the others
			answers = append(answers, answer{n.delivery, retry})
		} else {
			answers = append(answers, answer{n.delivery, noRetry})
		}
	}
	q.busy = false
	for _, n := range q.take() { // arrived meanwhile
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

// answer is an answer to be given to a delivery.
type answer struct {
	delivery *delivery
	retry    time.Duration
}

// forgetOverdue forgets failures whose event must have been delivered to another host.
func (r *retryQueues) forgetOverdue(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, q := range r.all {
		if !q.busy && now.After(q.dueBy) {
			delete(r.all, s)
		}
	}
}

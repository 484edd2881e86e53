package events

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// eventQueue is a queue of events, and of whatever else is done in order with them. It has a goroutine while there is
// something in it. A subscription has one of its own, or that of its connection. Beyond its limits events are dropped; of
// those the last of each place is remembered, and told once all that waits is handled.
type eventQueue struct {
	limit   int             // how many events may wait
	workers *sync.WaitGroup // of which its goroutine is one

	mu      sync.Mutex
	tasks   queue.FIFO[task]
	waiting int // events that are not handled yet
	size    int // of their bytes
	running bool
	dropped map[place]*arrival // since they were told: the last of each place

	spare []task // memory, only for the goroutine
}

// consumer is who the events in a queue are for.
type consumer struct {
	ended  atomic.Bool
	handle func(e *arrival) // handles an event, or a mark
	// tellDropped tells of events up to this one, for which there was no room: on a subject, or, if that is empty, anywhere.
	tellDropped func(subject string, last *arrival)
}

// task is an event, or a mark, for a consumer, or anything else.
type task struct {
	to *consumer
	e  *arrival
	do func()
}

// place is where events were dropped: of a consumer, on a subject.
type place struct {
	of      *consumer
	subject string
}

const (
	maxQueued  = 64 << 20 // bytes of the events that wait
	maxDropped = 1 << 12  // places of which it is remembered that an event was dropped
	keepTasks  = 1 << 10  // how many tasks the memory has room for that an empty queue keeps
)

// take puts an event, or a mark, into the queue. It does not wait.
func (q *eventQueue) take(to *consumer, e *arrival) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if to.ended.Load() {
		return
	}
	if e.mark == nil {
		if q.waiting >= q.limit || q.waiting > 0 && q.size+e.size > maxQueued {
			q.drop(to, e)
			return
		}
		q.waiting++
		q.size += e.size
	}
	q.push(task{to: to, e: e})
}

// then has f called after what is in the queue already.
func (q *eventQueue) then(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.push(task{do: f})
}

// push is called by who holds q.mu.
func (q *eventQueue) push(t task) {
	q.tasks.Push(t)
	if !q.running {
		q.running = true
		q.workers.Go(q.work)
	}
}

// drop notes that there is no room for an event. The caller holds q.mu.
func (q *eventQueue) drop(to *consumer, e *arrival) {
	if q.dropped == nil {
		q.dropped = make(map[place]*arrival, 1)
	}
	at := place{to, e.subject}
	if _, noted := q.dropped[at]; !noted && len(q.dropped) >= maxDropped {
		at.subject = ""
	}
	q.dropped[at] = e
}

// work handles what is in the queue until it is empty.
func (q *eventQueue) work() {
	for {
		batch, dropped := q.next()
		if len(batch) == 0 && dropped == nil {
			return
		}
		for i, t := range batch {
			q.handle(t)
			batch[i] = task{}
		}
		if batch != nil {
			q.spare = batch[:0]
		}
		for at, e := range dropped {
			if !at.of.ended.Load() {
				at.of.tellDropped(at.subject, e)
			}
		}
	}
}

// next takes all that is in the queue, or, when it is empty, what there was no room for. With neither the goroutine must
// return.
func (q *eventQueue) next() (batch []task, dropped map[place]*arrival) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.tasks.Len() > 0:
		batch = q.tasks.Drain()
		q.tasks.Use(q.spare)
		q.spare = nil
		return batch, nil
	case q.dropped != nil:
		dropped, q.dropped = q.dropped, nil
		return nil, dropped
	}
	q.running = false
	if memory := q.tasks.Drain(); cap(memory) <= keepTasks {
		q.tasks.Use(memory)
	}
	if cap(q.spare) > keepTasks {
		q.spare = nil
	}
	return nil, nil
}

func (q *eventQueue) handle(t task) {
	switch {
	case t.do != nil:
		t.do()
		return
	case !t.to.ended.Load():
		t.to.handle(t.e)
	}
	if t.e.mark == nil {
		q.mu.Lock()
		q.waiting--
		q.size -= t.e.size
		q.mu.Unlock()
	}
}

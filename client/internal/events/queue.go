package events

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// eventQueue is a queue of events, and of what else is done in order with them. It has a goroutine while it is not empty.
// A subscription has its own queue, or that of its connection. Events beyond the limits are dropped. The queue remembers
// the last dropped event of each place, and tells of it once all that waits is handled.
type eventQueue struct {
	limit   int             // of events that wait
	workers *sync.WaitGroup // counts its goroutine
	drops   *atomic.Int64   // counts what is dropped

	mu      sync.Mutex
	tasks   queue.FIFO[task]
	waiting int // events that are not handled yet
	size    int // their bytes
	running bool
	dropped map[place]*arrival // the last of each place, as long as it is not told

	spare []task // memory; only for the goroutine
}

// consumer handles the events in a queue that are for it.
type consumer struct {
	ended  atomic.Bool
	handle func(e *arrival) // an event, or a mark
	// tellDropped tells of dropped events on a subject, up to the last one. An empty subject is any.
	tellDropped func(subject string, last *arrival)
}

// task is an event, or a mark, for a consumer, or anything else.
type task struct {
	to *consumer
	e  *arrival
	do func()
}

// place is where events were dropped.
type place struct {
	of      *consumer
	subject string
}

const (
	maxQueued  = 64 << 20 // bytes of the events that wait
	maxDropped = 1 << 12  // places in dropped
	keepTasks  = 1 << 10  // tasks that the memory of an empty queue has room for
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

// then calls f after what is in the queue already.
func (q *eventQueue) then(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.push(task{do: f})
}

// push adds a task, and starts the goroutine if there is none. The caller holds q.mu.
func (q *eventQueue) push(t task) {
	q.tasks.Push(t)
	if !q.running {
		q.running = true
		q.workers.Go(q.work)
	}
}

// drop remembers an event that there is no room for. The caller holds q.mu.
func (q *eventQueue) drop(to *consumer, e *arrival) {
	q.drops.Add(1)
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

// next takes all that is in the queue, or else what was dropped. If there is neither, the goroutine must return.
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

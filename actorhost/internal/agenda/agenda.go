// Package agenda calls for things at their times: many of them, with one timer.
package agenda

import (
	"container/heap"
	"sync"
	"time"
)

// Agenda calls for things by when they are due. It is safe for concurrent use. Its lock is never held while it calls.
type Agenda[K comparable] struct {
	now  func() time.Time
	call func(K)

	mu     sync.Mutex
	queue  queue[K]
	places map[K]*entry[K]
	timer  *time.Timer
	at     time.Time // for which the timer is set; zero: it is not
	closed bool
}

type entry[K comparable] struct {
	of    K
	at    time.Time
	place int
}

// most is the longest that the timer waits: the clock may be set.
const most = time.Minute

// New returns an agenda by a clock, whose times may jump. It calls from goroutines of its own: call must not block.
func New[K comparable](now func() time.Time, call func(K)) *Agenda[K] {
	return &Agenda[K]{now: now, call: call, places: make(map[K]*entry[K])}
}

// Set has something called for at a time, and not at the one that was set before.
func (a *Agenda[K]) Set(of K, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e := a.places[of]; {
	case a.closed:
		return
	case e == nil:
		e = &entry[K]{of: of, at: at}
		a.places[of] = e
		heap.Push(&a.queue, e)
	case e.at.Equal(at):
		return
	default:
		e.at = at
		heap.Fix(&a.queue, e.place)
	}
	a.arm()
}

// Remove has something not called for.
func (a *Agenda[K]) Remove(of K) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.places[of]; e != nil {
		delete(a.places, of)
		heap.Remove(&a.queue, e.place)
	}
}

// Next returns what is called for first, and when.
func (a *Agenda[K]) Next() (of K, at time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 || a.closed {
		return of, at, false
	}
	return a.queue[0].of, a.queue[0].at, true
}

// Recheck looks at the clock, which has jumped.
func (a *Agenda[K]) Recheck() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.at = time.Time{}
		a.arm()
	}
}

// Close ends the agenda: it calls for nothing that is not called for yet.
func (a *Agenda[K]) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

// arm sets the timer for the earliest. The caller holds a.mu.
func (a *Agenda[K]) arm() {
	if len(a.queue) == 0 || !a.at.IsZero() && !a.queue[0].at.Before(a.at) {
		return
	}
	a.at = a.queue[0].at
	wait := min(max(a.at.Sub(a.now()), 0), most)
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, a.ring)
	} else {
		a.timer.Reset(wait)
	}
}

// ring calls for what is due.
func (a *Agenda[K]) ring() {
	for {
		a.mu.Lock()
		if a.closed || len(a.queue) == 0 || a.queue[0].at.After(a.now()) {
			a.at = time.Time{}
			if !a.closed {
				a.arm()
			}
			a.mu.Unlock()
			return
		}
		e := heap.Pop(&a.queue).(*entry[K])
		delete(a.places, e.of)
		a.mu.Unlock()
		a.call(e.of)
	}
}

// queue implements heap.Interface.
type queue[K comparable] []*entry[K]

func (q queue[K]) Len() int           { return len(q) }
func (q queue[K]) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue[K]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements heap.Interface.
func (q *queue[K]) Push(x any) {
	e := x.(*entry[K])
	e.place = len(*q)
	*q = append(*q, e)
}

// Pop implements heap.Interface.
func (q *queue[K]) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return e
}

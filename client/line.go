package client

import "sync"

// line is a queue of what is handled one after the other, with a goroutine while there is something in it. A subscription
// has one of its own, or that of its connection.
type line struct {
	client *Client

	mu      sync.Mutex
	queue   []task
	waiting int // events that are not handled yet
	size    int // of their bytes
	running bool
	dropped map[place]*arrival // for which there was no room, since they were told: the last of each place

	spare []task // only for the goroutine
}

// task is an event, or a mark, for a subscription, or anything else.
type task struct {
	s  *subscription
	e  *arrival
	do func()
}

// place is where events were dropped: of a subscription, on a subject.
type place struct {
	s       *subscription
	subject string
}

const (
	maxQueued  = 64 << 20 // bytes of them
	maxDropped = 1 << 12  // places of which it is noted that an event was dropped
	keepQueue  = 1 << 10  // how long a queue may be that is kept while it is empty
)

// take puts an event, or a mark, into the line. It does not wait.
func (l *line) take(s *subscription, e *arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.ended.Load() {
		return
	}
	if e.mark == nil {
		if l.waiting >= l.client.queue || l.waiting > 0 && l.size+e.size > maxQueued {
			l.drop(s, e)
			return
		}
		l.waiting++
		l.size += e.size
	}
	l.push(task{s: s, e: e})
}

// then has f called after what is in the line already.
func (l *line) then(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.push(task{do: f})
}

// push is called by who holds l.mu.
func (l *line) push(t task) {
	l.queue = append(l.queue, t)
	if !l.running {
		l.running = true
		l.client.feeds.handling.Go(l.work)
	}
}

// drop notes that there is no room for an event. The caller holds l.mu.
func (l *line) drop(s *subscription, e *arrival) {
	if l.dropped == nil {
		l.dropped = make(map[place]*arrival, 1)
	}
	at := place{s, e.subject}
	if _, noted := l.dropped[at]; !noted && len(l.dropped) >= maxDropped {
		at.subject = "" // of some actor
	}
	l.dropped[at] = e
}

// work handles what is in the line until it is empty.
func (l *line) work() {
	for {
		batch, dropped := l.next()
		if len(batch) == 0 && dropped == nil {
			return
		}
		for i, t := range batch {
			l.handle(t)
			batch[i] = task{}
		}
		if batch != nil {
			l.spare = batch[:0]
		}
		for at, e := range dropped {
			if !at.s.ended.Load() {
				at.s.tellDropped(at.subject, e)
			}
		}
	}
}

// next takes what is in the queue, or, when it is empty, what there was no room for. With neither the goroutine must
// return.
func (l *line) next() (batch []task, dropped map[place]*arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.queue) > 0:
		batch, l.queue, l.spare = l.queue, l.spare, nil
		return batch, nil
	case l.dropped != nil:
		dropped, l.dropped = l.dropped, nil
		return nil, dropped
	}
	l.running = false
	if cap(l.queue) > keepQueue {
		l.queue = nil
	}
	if cap(l.spare) > keepQueue {
		l.spare = nil
	}
	return nil, nil
}

func (l *line) handle(t task) {
	switch {
	case t.do != nil:
		t.do()
		return
	case !t.s.ended.Load():
		t.s.handle(t.e)
	}
	if t.e.mark == nil {
		l.mu.Lock()
		l.waiting--
		l.size -= t.e.size
		l.mu.Unlock()
	}
}

package actorhost

import (
	"runtime"
	"sync"
)

// ready holds the activations that have something to do, and the goroutines that see to them. A goroutine that has
// worked one mailbox off goes straight on to the next: a new one for each would let the connection send every reply in
// a write of its own, which costs more than anything else in a call.
type ready struct {
	goroutines sync.WaitGroup

	mu    sync.Mutex
	queue []*activation
	free  int // goroutines that are about to take an activation; at least one as long as there is any in the queue
}

// add has an activation worked off. There are as many goroutines as there are turns that wait for something, and a few
// more that do not.
func (r *ready) add(a *activation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, a)
	if r.free < runtime.GOMAXPROCS(0) {
		r.start()
	}
}

// start adds a goroutine. The caller holds r.mu.
func (r *ready) start() {
	r.free++
	r.goroutines.Go(r.work)
}

func (r *ready) work() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 {
		a := r.queue[0]
		r.queue[0] = nil
		r.queue = r.queue[1:]
		r.free--
		if r.free == 0 && len(r.queue) > 0 {
			r.start() // for a turn may take as long as it likes
		}
		r.mu.Unlock()
		a.workOff()
		r.mu.Lock()
		r.free++
	}
	r.free--
}

// busy reports whether a goroutine is about to take an activation.
func (r *ready) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.free > 0
}

package actorhost

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// ready holds the activations that have something to do, and the goroutines that see to them. A goroutine that has
// worked one mailbox off goes straight on to the next, or waits for one: a new one for each would have to grow its stack
// first, and would let the connection send every reply in a write of its own, which costs more than anything else in a
// call.
type ready struct {
	goroutines sync.WaitGroup
	workOff    func(*activation)

	queued atomic.Int64 // activations in the queue

	mu     sync.Mutex
	queue  queue.FIFO[*activation]
	free   int // goroutines that are about to take something; at least one as long as there is anything in the queue
	idle   int // goroutines that wait
	wanted int // of those, how many are to go on
	goOn   sync.Cond
	closed bool // nobody waits any more
}

// open says how an activation is worked off.
func (r *ready) open(workOff func(*activation)) {
	r.workOff, r.goOn.L = workOff, &r.mu
}

// add has activations worked off. There are as many goroutines as there are turns that wait for something, and a few more
// that do not.
func (r *ready) add(activations ...*activation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.Push(activations...)
	r.queued.Add(int64(len(activations)))
	for range activations {
		if r.free >= runtime.GOMAXPROCS(0) {
			return
		}
		r.start()
	}
}

// start adds a goroutine. The caller holds r.mu.
func (r *ready) start() {
	r.free++
	if r.wanted < r.idle {
		r.wanted++
		r.goOn.Signal()
		return
	}
	r.goroutines.Go(r.work)
}

func (r *ready) work() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		for r.queue.Len() > 0 {
			a := r.queue.Pop()
			r.queued.Add(-1)
			r.free--
			if r.free == 0 && r.queue.Len() > 0 {
				r.start() // for a turn may take as long as it likes
			}
			r.mu.Unlock()
			r.workOff(a)
			r.mu.Lock()
			r.free++
		}
		r.free--
		if !r.rest() {
			return
		}
	}
}

// maxIdle is how many goroutines wait for something to do. Where turns, or those who wake, wait for the server, so many are
// soon needed again, with stacks that have grown already.
const maxIdle = 32

// rest waits until there is something to do, and reports whether there is. The caller holds r.mu.
func (r *ready) rest() bool {
	if r.idle >= maxIdle {
		return false
	}
	r.idle++
	for r.wanted == 0 && !r.closed {
		r.goOn.Wait()
	}
	r.idle--
	if r.wanted == 0 {
		return false
	}
	r.wanted--
	return true
}

// close lets the goroutines go that wait.
func (r *ready) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.goOn.Broadcast()
}

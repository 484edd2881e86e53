// Package pool has the goroutines that take the turns of a host.
package pool

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// Pool holds what has something to do, and the goroutines that do it. A goroutine that is done with one goes straight on
// to the next, or waits for one: a new goroutine for each would have to grow its stack first, and would let the connection
// send every reply in a write of its own, which costs more than anything else in a call. It is safe for concurrent use.
type Pool[T any] struct {
	run        func(T)
	goroutines sync.WaitGroup
	queued     atomic.Int64 // in the queue

	mu       sync.Mutex
	queue    queue.FIFO[T]
	free     int // goroutines that are about to take something; at least one as long as there is anything in the queue
	idle     int // goroutines that wait
	toResume int // of those, how many are to go on
	resume   *sync.Cond
	closed   bool // nobody waits any more
}

// New returns a pool whose goroutines call run. Callers must Close it.
func New[T any](run func(T)) *Pool[T] {
	p := &Pool[T]{run: run}
	p.resume = sync.NewCond(&p.mu)
	return p
}

// Queued is how many wait for a goroutine.
func (p *Pool[T]) Queued() int64 { return p.queued.Load() }

// Add has run called for each. There are as many goroutines as there are runs that wait for something, and a few more that
// do not. The queue has no limit: whoever adds the same only once has one.
func (p *Pool[T]) Add(all ...T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.Push(all...)
	p.queued.Add(int64(len(all)))
	for range all {
		if p.free >= runtime.GOMAXPROCS(0) {
			return
		}
		p.start()
	}
}

// start adds a goroutine. The caller holds p.mu.
func (p *Pool[T]) start() {
	p.free++
	if p.toResume < p.idle {
		p.toResume++
		p.resume.Signal()
		return
	}
	p.goroutines.Go(p.work)
}

func (p *Pool[T]) work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for p.queue.Len() > 0 {
			one := p.queue.Pop()
			p.queued.Add(-1)
			p.free--
			if p.free == 0 && p.queue.Len() > 0 {
				p.start() // for a run may take as long as it likes
			}
			p.mu.Unlock()
			p.run(one)
			p.mu.Lock()
			p.free++
		}
		p.free--
		if !p.wait() {
			return
		}
	}
}

// maxIdle is how many goroutines wait for something to do. Where turns, or those who wake, wait for the server, so many are
// soon needed again, with stacks that have grown already.
const maxIdle = 32

// wait waits until there is something to do, and reports whether there is. The caller holds p.mu.
func (p *Pool[T]) wait() bool {
	if p.idle >= maxIdle {
		return false
	}
	p.idle++
	for p.toResume == 0 && !p.closed {
		p.resume.Wait()
	}
	p.idle--
	if p.toResume == 0 {
		return false
	}
	p.toResume--
	return true
}

// Close lets the goroutines go that wait. What is in the queue is still run.
func (p *Pool[T]) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.resume.Broadcast()
}

// Wait returns when no goroutine is left of a pool that is closed.
func (p *Pool[T]) Wait() { p.goroutines.Wait() }

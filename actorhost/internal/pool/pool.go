// Package pool runs the goroutines that take the turns of a host.
package pool

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/actorhost/internal/stacks"
	"github.com/troupe-go/troupe/internal/queue"
)

// Pool holds a queue of items to run, and the goroutines that run them. A goroutine goes straight from one item to the
// next, or waits for one. A new goroutine for each would have to grow its stack first. It would also make the
// connection write every reply separately, which costs more than anything else in a call. A Pool is safe for concurrent
// use.
type Pool[T any] struct {
	spawn  func(func())
	run    func(item T, goroutine uint64)
	again  func(T) bool
	queued atomic.Int64 // in the queue

	mu       sync.Mutex
	queue    queue.FIFO[T]
	free     int // goroutines that are about to take an item; at least one while the queue is not empty
	idle     int // goroutines that wait
	toResume int // how many of the idle ones are to go on
	resume   *sync.Cond
	closed   bool // goroutines do not wait any more
	workers  map[*worker[T]]struct{}
}

// worker is a goroutine of a pool. The mutex of the pool guards it.
type worker[T any] struct {
	goroutine uint64
	running   bool
	item      T // if it is running
}

// Run is an item that runs.
type Run[T any] struct {
	Item      T
	Goroutine uint64 // see package stacks
}

// Running returns what runs.
func (p *Pool[T]) Running() (all []Run[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.workers {
		if w.running {
			all = append(all, Run[T]{w.item, w.goroutine})
		}
	}
	return all
}

// New returns a pool that calls run for each item, on a goroutine that is told. If run ends that by runtime.Goexit, again says
// whether it is to be called once more. Spawn starts the goroutines: whoever gives it waits for them. Callers must Close the pool.
func New[T any](spawn func(func()), run func(item T, goroutine uint64), again func(T) bool) *Pool[T] {
	p := &Pool[T]{spawn: spawn, run: run, again: again, workers: make(map[*worker[T]]struct{})}
	p.resume = sync.NewCond(&p.mu)
	return p
}

// Queued returns how many items wait for a goroutine.
func (p *Pool[T]) Queued() int64 { return p.queued.Load() }

// Add queues items to be run. There are as many goroutines as there are runs that block, and a few more. The queue has
// no limit: callers limit it by not adding an item that is queued already.
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

// start adds a goroutine, an idle one if there is one. The caller holds p.mu.
func (p *Pool[T]) start() {
	p.free++
	if p.toResume < p.idle {
		p.toResume++
		p.resume.Signal()
		return
	}
	p.spawn(p.work)
}

func (p *Pool[T]) work() {
	w := &worker[T]{goroutine: stacks.ID()}
	p.mu.Lock()
	p.workers[w] = struct{}{}
	for {
		for p.queue.Len() > 0 {
			one := p.queue.Pop()
			p.queued.Add(-1)
			p.free--
			if p.free == 0 && p.queue.Len() > 0 {
				p.start() // because a run may take any time
			}
			w.running, w.item = true, one
			p.mu.Unlock()
			p.do(w, one)
			p.mu.Lock()
			var none T
			w.running, w.item = false, none
			p.free++
		}
		p.free--
		if !p.wait() {
			delete(p.workers, w)
			p.mu.Unlock()
			return
		}
	}
}

// do runs an item. If the run ends the goroutine, another one takes the item up, unless that is not wanted.
func (p *Pool[T]) do(w *worker[T], one T) {
	returned := false
	defer func() {
		if returned {
			return
		}
		p.mu.Lock()
		delete(p.workers, w)
		p.mu.Unlock()
		if value := recover(); value != nil {
			panic(value) //nolint:forbidigo // it goes on: it is not ours
		}
		if p.again(one) {
			p.Add(one)
		}
	}()
	p.run(one, w.goroutine)
	returned = true
}

// maxIdle limits how many goroutines wait. When turns or wake-ups wait for the server, that many are soon needed again,
// with stacks that have grown already.
const maxIdle = 32

// wait waits for something to do, and reports whether there is something. The caller holds p.mu.
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

// Close ends the idle goroutines. Queued items are still run.
func (p *Pool[T]) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.resume.Broadcast()
}

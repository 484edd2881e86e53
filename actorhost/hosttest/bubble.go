package hosttest

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// nats.go keeps the timers of its flushes in one pool for the whole process, and a timer that was made in a synctest
// bubble ends the process when it is used outside of it. So a bubble with a Bus runs while no other test has one,
// and finds and leaves the pool empty.
var running struct {
	sync.Mutex
	buses, bubbles int
}

// enter counts the test among those that have a bus.
func enter(tb testing.TB) {
	tb.Helper()
	bubble := 0
	if inBubble() {
		bubble = 1
		dropTimers()
		tb.Cleanup(dropTimers)
	}
	running.Lock()
	defer running.Unlock()
	if running.bubbles > 0 || bubble > 0 && running.buses > 0 {
		tb.Fatal("hosttest: a test in a synctest bubble must not be parallel to another test that has a bus")
	}
	running.buses++
	running.bubbles += bubble
	tb.Cleanup(func() {
		running.Lock()
		defer running.Unlock()
		running.buses--
		running.bubbles -= bubble
	})
}

func dropTimers() {
	runtime.GC() // a pool survives one collection
	runtime.GC()
}

// inBubble uses that Wait panics outside of a bubble.
func inBubble() (in bool) {
	defer func() { _ = recover() }()
	synctest.Wait()
	return true
}

package pool_test

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actorhost/internal/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func always(int) bool { return true }

func TestPoolRunsAll(t *testing.T) {
	t.Parallel()
	const all = 10_000
	var mu sync.Mutex
	seen := make(map[int]int)
	var ran, goroutines sync.WaitGroup
	ran.Add(2 * all)
	p := pool.New(goroutines.Go, func(i int, _ uint64) {
		mu.Lock()
		defer mu.Unlock()
		seen[i]++
		ran.Done()
	}, always)
	for range 2 {
		go func() {
			for i := range all {
				p.Add(i)
			}
		}()
	}
	ran.Wait()
	p.Close()
	goroutines.Wait()
	require.Len(t, seen, all)
	for i, times := range seen {
		require.Equal(t, 2, times, i)
	}
	require.Zero(t, p.Queued())
}

// A run that ends its goroutine is taken up again, and the pool goes on.
func TestRunsThatEndTheirGoroutine(t *testing.T) {
	t.Parallel()
	const all = 100
	times := make([]int, all) // each item has one goroutine at a time
	var ran, goroutines sync.WaitGroup
	ran.Add(all)
	p := pool.New(goroutines.Go, func(i int, _ uint64) {
		if times[i]++; times[i] < 3 {
			runtime.Goexit()
		}
		ran.Done()
	}, always)
	for i := range all {
		p.Add(i)
	}
	ran.Wait()
	p.Close()
	goroutines.Wait()
	for i := range times {
		require.Equal(t, 3, times[i], i)
	}
}

// A run that waits for another must not keep it from running.
func TestRunsThatWaitHoldUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		const waiting = 500
		var goroutines sync.WaitGroup
		release := make(chan struct{})
		p := pool.New(goroutines.Go, func(i int, _ uint64) {
			if i < waiting {
				<-release
			} else {
				close(release)
			}
		}, always)
		for i := range waiting + 1 {
			p.Add(i)
		}
		p.Close()
		goroutines.Wait()
	})
}

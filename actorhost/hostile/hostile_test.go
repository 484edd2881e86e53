package hostile_test

import (
	"context"
	"flag"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/pause"
)

var seconds = flag.Float64("seconds", 0.3, "how long each attack lasts, and the measurement before it")

// What an attack may make of the process, with the server and the attacker in it.
const (
	maxHeap = 1 << 30
	maxLog  = 256 << 10
)

// TestHostile has one tenant attack while another measures. How long calls take is printed, and fails no test: that is up to the
// machine, on which the attackers run too. No attack may have the host lose its lease, or the victim be told that an actor is
// unavailable, or take memory or log without end. A call that got no answer within its time is printed, for the same reason.
func TestHostile(t *testing.T) {
	for _, one := range attacks {
		t.Run(one.name, func(t *testing.T) {
			runtime.GC() // what the one before has left
			s := start(t, actorhost.Config{Tenants: limits})
			id, lasts := s.host.ID(), time.Duration(*seconds*float64(time.Second))
			s.measure(t.Context(), lasts/4) // wakes what sleeps
			before := s.measure(t.Context(), lasts)

			ctx, cancel := context.WithCancel(t.Context())
			var most uint64
			var attacking sync.WaitGroup
			attacking.Go(func() { one.run(ctx, t, s) })
			attacking.Go(func() { most = watchHeap(ctx) })
			during := s.measure(t.Context(), lasts)
			cancel()
			attacking.Wait()

			t.Logf("calls %d, under attack %d; p50 %v, %v; p99 %v, %v; errors %v; heap up to %d MB, log %d KB, connection lost %d times",
				before.calls(), during.calls(), before.percentile(50), during.percentile(50), before.percentile(99), during.percentile(99),
				during.errs, most>>20, len(s.log.String())>>10, s.nc.Stats().Reconnects)
			require.Equal(t, id, s.host.ID(), "the host has lost its lease")
			require.Empty(t, before.errs)
			delete(during.errs, troupe.CodeOutcomeUnknown)
			require.Empty(t, during.errs)
			require.Less(t, most, uint64(maxHeap), "memory")
			require.Less(t, len(s.log.String()), maxLog, "log: %.2000s", s.log)
			if told := s.told(t, mallory); one.refused {
				require.NotZero(t, told.Refused, "the attack reaches no limit: %+v", told)
			}
			require.Zero(t, s.told(t, victim).Refused)
		})
	}
}

// watchHeap returns the most that was in use until ctx is done.
func watchHeap(ctx context.Context) (most uint64) {
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		if !pause.For(ctx, 50*time.Millisecond) {
			return most
		}
	}
}

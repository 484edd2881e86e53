package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// storm is what callers of two programs call at the same time, on two hosts of each program.
type storm struct {
	actors, callers int
	call            func(b *testing.B, hosts *hosttest.Bus, w wrap, i int) error
}

func conflicting(every int) func(*testing.B, *hosttest.Bus, wrap, int) error {
	return func(b *testing.B, _ *hosttest.Bus, w wrap, i int) error {
		b.Helper()
		if i%every == 0 {
			return call(b.Context(), frank, w, 1)
		}
		return call(b.Context(), seal, w, 1)
	}
}

// garbage is for neither program, but either has the action: half of the calls.
func garbage(b *testing.B, hosts *hosttest.Bus, w wrap, i int) error {
	b.Helper()
	if i%2 == 0 {
		return call(b.Context(), weight, w, nil)
	}
	err := hosts.Client.Invoke(b.Context(), troupe.Invocation{ID: w.ID(), Action: "weigh", In: "much"})
	if !errors.Is(err, troupe.ErrBadInput) {
		return fmt.Errorf("garbage was not refused: %w", err)
	}
	return nil
}

// BenchmarkPrograms has hosts of two programs get calls that only one of them can take, and such as none can. It reports
//
//	calls/s          in all
//	p50-ms, p99-ms   of the time of a call, and max-ms
//	moves/s          how often one actor wakes
//	resent/op        how often a call was sent again
func BenchmarkPrograms(b *testing.B) {
	for _, name := range []struct {
		name string
		storm
	}{
		{"one caller alternates", storm{1, 1, conflicting(2)}},
		{"conflicting", storm{1, 8, conflicting(2)}},
		{"conflicting", storm{1, 64, conflicting(2)}},
		{"conflicting", storm{100, 200, conflicting(2)}},
		{"one in ten conflicts", storm{1, 20, conflicting(10)}},
		{"garbage", storm{1, 16, garbage}},
	} {
		b.Run(fmt.Sprintf("%s/actors=%d/callers=%d", name.name, name.actors, name.callers), func(b *testing.B) { name.run(b) })
	}
}

const stormTime = 5 * time.Second

func (s storm) run(b *testing.B) {
	b.Helper()
	bus, woken := twoOfEach(b)
	wraps := make([]wrap, s.actors)
	for i := range wraps {
		wraps[i] = troupe.GetOrCreate[wrap](bus.Client, fmt.Sprint(i))
		require.NoError(b, call(b.Context(), weight, wraps[i], nil))
	}
	var mu sync.Mutex
	var took []time.Duration
	var while time.Duration
	woken.Store(0)
	resent := bus.Client.Resent()
	for b.Loop() {
		_, lasted, err := runFor(b.Context(), stormTime, s.callers, func(_ context.Context, i int) error {
			began := time.Now()
			err := s.call(b, bus, wraps[i/2%len(wraps)], i)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(began))
			return err
		})
		require.NoError(b, err)
		while += lasted
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(float64(len(took))/while.Seconds(), "calls/s")
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(ms(took[len(took)-1]), "max-ms")
	b.ReportMetric(float64(woken.Load())/while.Seconds()/float64(s.actors), "moves/s")
	b.ReportMetric(float64(bus.Client.Resent()-resent)/float64(len(took)), "resent/op")
	b.ReportMetric(0, "ns/op")
}

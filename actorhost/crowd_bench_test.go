package actorhost_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// BenchmarkCrowd has a crowd of callers write to actors what their calls carry, with server, host and callers in processes
// of their own. It reports
//
//	calls/s   in all
//	p99-ms    of the time of a call
//	wire-x    the bytes that the client has sent for each byte of input: 1 is the least
//	resent/op how often a call was sent again
func BenchmarkCrowd(b *testing.B) {
	for _, crowd := range []struct{ size, actors, callers int }{
		{20 << 10, 100, 300}, {20 << 10, 100, 1000}, {20 << 10, 100, 3000},
		{900 << 10, 64, 64},
	} {
		b.Run(fmt.Sprintf("kB=%d/actors=%d/callers=%d", crowd.size>>10, crowd.actors, crowd.callers), func(b *testing.B) {
			server, _ := startServerAndHost(b)
			cl, nc := clientOf(b, server.url)
			actors, content := make([]crate, crowd.actors), make([]byte, crowd.size)
			for i := range actors {
				actors[i] = troupe.GetOrCreate[crate](cl, fmt.Sprint(i))
				require.NoError(b, call(b.Context(), put, actors[i], content))
			}
			var mu sync.Mutex
			var took []time.Duration
			one := func(_ context.Context, i int) error {
				began := time.Now()
				err := call(context.Background(), put, actors[i%crowd.actors], content)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(began))
				return err
			}
			sent, resent := nc.Stats().OutBytes, cl.Resent()
			var calls int64
			var while time.Duration
			for b.Loop() {
				n, lasted, err := runFor(b.Context(), crowdTime, crowd.callers, one)
				require.NoError(b, err)
				calls, while = calls+n, while+lasted
			}
			slices.Sort(took)
			b.ReportMetric(float64(calls)/while.Seconds(), "calls/s")
			b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
			b.ReportMetric(float64(nc.Stats().OutBytes-sent)/float64(calls*int64(crowd.size)), "wire-x")
			b.ReportMetric(float64(cl.Resent()-resent)/float64(calls), "resent/op")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// crowdTime is how long a crowd calls.
const crowdTime = 5 * time.Second

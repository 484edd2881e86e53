package actorhost_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// BenchmarkTell tells and calls in turn, in a process that has the server and both sides, and reports what each of these takes until
// the last has run: something that is told, beside a call alone and one of 64 at a time. Of one actor and of 64, of an action that
// changes nothing and of one whose change is stored. The ratios are of one run.
func BenchmarkTell(b *testing.B) {
	at := benchInProcess(b)
	for _, actors := range []int{1, 64} {
		b.Run(fmt.Sprintf("unchanged/actors=%d", actors), func(b *testing.B) {
			payload := make([]byte, 32)
			tellOrCall(b, actors, func(ctx context.Context, i int) error {
				return echoIt.Tell(ctx, troupe.GetOrCreate[echo](at.client, fmt.Sprint(i)), payload)
			}, func(ctx context.Context, i int) error {
				return call(ctx, echoIt, troupe.GetOrCreate[echo](at.client, fmt.Sprint(i)), payload)
			})
		})
		b.Run(fmt.Sprintf("changed/actors=%d", actors), func(b *testing.B) {
			tellOrCall(b, actors, func(ctx context.Context, i int) error {
				return add.Tell(ctx, troupe.GetOrCreate[counter](at.client, fmt.Sprint(i)), 1)
			}, func(ctx context.Context, i int) error {
				return call(ctx, add, troupe.GetOrCreate[counter](at.client, fmt.Sprint(i)), 1)
			})
		})
	}
}

// tellOrCall does each of the three 2,048 times in turn. A mailbox takes that many.
func tellOrCall(b *testing.B, actors int, tell, callIt func(ctx context.Context, i int) error) {
	b.Helper()
	const times = 2048
	ctx := context.Background() // without an end to watch
	atOnce := func(inFlight int) time.Duration {
		began := time.Now()
		_, err := load{Calls: times, InFlight: inFlight}.run(ctx, func(ctx context.Context, i int) error { return callIt(ctx, i%actors) })
		require.NoError(b, err)
		return time.Since(began)
	}
	atOnce(64) // wakes them
	var told, called, together []float64
	for b.Loop() {
		began := time.Now()
		for i := range times {
			require.NoError(b, tell(ctx, i%actors))
		}
		for i := range actors { // behind what it was told
			require.NoError(b, callIt(ctx, i))
		}
		told = append(told, float64(time.Since(began).Microseconds())/times)
		called = append(called, float64(atOnce(1).Microseconds())/times)
		together = append(together, float64(atOnce(64).Microseconds())/times)
	}
	report(b, "told-us", told)
	report(b, "call-us", called)
	report(b, "call-of-64-us", together)
	b.ReportMetric(0, "ns/op")
}

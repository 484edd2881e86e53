package actorhost_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nuid"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// BenchmarkOnce compares an action that changes its actor and is called with a request id with the same without one, in
// turns: see BenchmarkVersus, where what is plain are here the calls without ids.
func BenchmarkOnce(b *testing.B) {
	for _, transport := range transports {
		b.Run(transport.name, func(b *testing.B) {
			at := transport.start(b)
			for _, actors := range []int{1, 1000, 10_000} {
				for _, inFlight := range []int{1, 64, 256} {
					b.Run(fmt.Sprintf("actors=%d/inflight=%d", actors, inFlight), func(b *testing.B) { onceBesideWithout(b, at, actors, inFlight) })
				}
			}
		})
	}
}

func onceBesideWithout(b *testing.B, at stage, actors, inFlight int) {
	b.Helper()
	refs := make([]counter, actors)
	for i := range refs {
		refs[i] = troupe.GetOrCreate[counter](at.client, fmt.Sprint(i))
	}
	var ids atomic.Int64
	prefix := nuid.Next()                                                     // the server is that of the other benchmarks too
	id := func() string { return prefix + strconv.FormatInt(ids.Add(1), 10) } // which both sides make, and one says
	without := func(ctx context.Context, i int) error {
		_ = id()
		return call(ctx, add, refs[i%actors], 1)
	}
	with := func(ctx context.Context, i int) error {
		return call(troupe.WithRequestID(ctx, id()), add, refs[i%actors], 1)
	}
	for _, call := range []func(context.Context, int) error{without, with} { // wakes the actors
		_, err := load{Calls: 2 * max(actors, inFlight), InFlight: 256}.run(b.Context(), call)
		require.NoError(b, err)
	}
	versus(b, inFlight, side{at: at, call: without}, side{at: at, call: with})
}

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
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
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

// teller has a counter count, by a call of its own or by one that is made outside of its turn.
type teller struct{ troupe.Ref }

func (teller) ActorType() string { return "teller" }

var (
	tellInside  = troupe.NewAction[teller, string, int]("tellInside")
	tellOutside = troupe.NewAction[teller, string, int]("tellOutside")
)

func tellers(outside *client.Client) actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(tellInside, func(_ *struct{}, c *actorhost.Context, key string) (int, error) {
			return add.Call(c, troupe.GetOrCreate[counter](c, key), 1)
		}),
		actorhost.On(tellOutside, func(_ *struct{}, _ *actorhost.Context, key string) (int, error) {
			return add.Call(context.Background(), troupe.GetOrCreate[counter](outside, key), 1)
		}))
}

// BenchmarkNested compares a call that an action makes, which has the same id when the action runs again, with one that is
// made on its behalf and has none, in turns: see BenchmarkOnce. The call of the action is a part of both.
func BenchmarkNested(b *testing.B) {
	for _, transport := range transports {
		b.Run(transport.name, func(b *testing.B) {
			at := transport.start(b)
			for _, counters := range []int{1, 1000} {
				for _, inFlight := range []int{1, 64, 256} {
					b.Run(fmt.Sprintf("counters=%d/inflight=%d", counters, inFlight), func(b *testing.B) {
						nestedBesideOutside(b, at, counters, inFlight)
					})
				}
			}
		})
	}
}

func nestedBesideOutside(b *testing.B, at stage, counters, inFlight int) {
	b.Helper()
	told := func(by troupe.Action[teller, string, int]) func(context.Context, int) error {
		return func(ctx context.Context, i int) error {
			return call(ctx, by, troupe.GetOrCreate[teller](at.client, strconv.Itoa(i%1000)), strconv.Itoa(i%counters))
		}
	}
	for _, call := range []func(context.Context, int) error{told(tellOutside), told(tellInside)} { // wakes the actors
		_, err := load{Calls: 2000, InFlight: 256}.run(b.Context(), call)
		require.NoError(b, err)
	}
	versus(b, inFlight, side{at: at, call: told(tellOutside)}, side{at: at, call: told(tellInside)})
}

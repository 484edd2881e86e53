//go:build !race

package actorhost_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// What a call that changes nothing may allocate from its input to its output, in the client, the host, their connections
// and the server together, which are all in the process: alone, and with 63 others on their way over 16 actors. They are
// what several runs of this test have logged on a busy machine, 29 and 9.2 to 9.9, and a little more.
// Whoever makes calls dearer should know; who makes them cheaper should lower these.
const maxAllocsAlone, maxAllocsTogether = 30, 12

// It is not parallel: it counts what the whole process allocates. The race detector makes pools drop things, so this is not
// built for it.
func TestAllocationsOfACall(t *testing.T) {
	const actors = 16
	b, payload := hosttest.Start(t), make([]byte, 32)
	b.SkipStateCheck = true
	b.Host(echoes())
	refs := make([]echo, actors)
	for i := range refs {
		refs[i] = troupe.GetOrCreate[echo](b.Client, fmt.Sprint(i))
	}
	echoes := func(_ context.Context, i int) error {
		_, err := echoIt.Call(context.Background(), refs[i%actors], payload)
		return err
	}
	alone := testing.AllocsPerRun(500, func() { require.NoError(t, echoes(t.Context(), 0)) })
	require.LessOrEqual(t, alone, float64(maxAllocsAlone))

	calls := load{Calls: 12_800, InFlight: 64}
	_, err := calls.run(t.Context(), echoes) // wakes the actors, and finds their host
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = calls.run(t.Context(), echoes)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	together := float64(after.Mallocs-before.Mallocs) / float64(calls.Calls)
	require.LessOrEqual(t, together, float64(maxAllocsTogether))
	t.Logf("%v alone, %.1f together", alone, together)
}

// What a change may allocate from its input to its output, alone: runs have logged 64. And what more it may allocate of an actor that
// has an action which may run beside turns: 2.
const maxAllocsOfAChange, maxAllocsOfASnapshot = 67, 3

type abacus struct{ troupe.Ref }

func (abacus) ActorType() string { return "abacus" }

// slate is an abacus that may be read beside its turns.
type slate struct{ abacus }

func (slate) ActorType() string { return "slate" }

func TestAllocationsForReadsBesideTurns(t *testing.T) {
	countOn := func(s *int, _ *actorhost.Context) (int, error) { *s++; return *s, nil }
	look := func(s *int, _ *actorhost.Context) (int, error) { return *s, nil }
	b := hosttest.Start(t)
	b.SkipStateCheck = true
	countA, lookA := troupe.NewAction[abacus, troupe.None, int]("count"), troupe.NewAction[abacus, troupe.None, int]("look")
	countS, lookS := troupe.NewAction[slate, troupe.None, int]("count"), troupe.NewAction[slate, troupe.None, int]("look")
	copies := 0
	b.Host(
		actorhost.Define(func() int { return 0 }, actorhost.On(countA, actorhost.NoIn(countOn)), actorhost.On(lookA, actorhost.NoIn(look)).ReadOnly()),
		actorhost.Define(func() int { copies++; return 0 },
			actorhost.On(countS, actorhost.NoIn(countOn)), actorhost.On(lookS, actorhost.NoIn(look)).BesideTurns()))
	a, s := troupe.GetOrCreate[abacus](b.Client, "a"), troupe.GetOrCreate[slate](b.Client, "a")
	require.NoError(t, call(t.Context(), countS, s, nil))
	before := copies
	plain := testing.AllocsPerRun(300, func() { require.NoError(t, call(t.Context(), countA, a, nil)) })
	kept := testing.AllocsPerRun(300, func() { require.NoError(t, call(t.Context(), countS, s, nil)) })
	t.Logf("%v, %v with snapshots", plain, kept)
	require.LessOrEqual(t, plain, float64(maxAllocsOfAChange))
	require.LessOrEqual(t, kept, plain+maxAllocsOfASnapshot)
	require.Equal(t, before, copies, "nobody has read")
}

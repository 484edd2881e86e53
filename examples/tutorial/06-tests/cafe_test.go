package main

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) } // fails if anything goes on after the tests

func TestCakeIsServedWhileThereIsSome(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...) // a server, a host and a client for this test alone
	anna := troupe.GetOrCreate[Tab](b.Client, "anna")
	sum, err := Order.Call(t.Context(), anna, 5)
	require.NoError(t, err)
	require.Equal(t, 1500, sum)
	_, err = Order.Call(t.Context(), anna, 1)
	require.ErrorIs(t, err, ErrSoldOut)
}

// Ten guests order at the same time, and the host is killed meanwhile. As many cakes are paid as were served.
func TestHostIsKilledInTheEvening(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(actors...)
	b.Host(actors...)
	var guests sync.WaitGroup
	sums := make([]int, 10)
	for i := range sums {
		guests.Go(func() {
			sum, err := Order.Call(t.Context(), troupe.GetOrCreate[Tab](b.Client, string(rune('a'+i))), 1)
			if err == nil {
				sums[i] = sum
			}
		})
	}
	b.Kill(first)
	guests.Wait()
	paid := 0
	for _, sum := range sums {
		paid += sum
	}
	require.Equal(t, 5*price, paid)
}

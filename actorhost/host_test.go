package actorhost_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

func TestCallCreatesAndRemembers(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	c := troupe.GetOrCreate[counter](b.Client, "a")
	for want := 5; want <= 15; want += 5 {
		got, err := add.Call(t.Context(), c, 5)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := get.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, "b"), nil)
	require.NoError(t, err)
	require.Zero(t, got, "another key is another actor")
}

func TestThousandFirstCallsMakeOneActivation(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	for range 3 {
		b.Host(counters())
	}
	ref := troupe.GetOrCreate[counter](b.Client, "contended")
	var calls errgroup.Group
	start := make(chan struct{})
	var mu sync.Mutex
	owners := map[string]uint64{}
	for range 1000 {
		calls.Go(func() error {
			<-start
			at, err := whereIs.Call(t.Context(), ref, nil)
			if err != nil {
				return err
			}
			if _, err := add.Call(t.Context(), ref, 1); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			owners[at.Host] = at.Epoch
			return nil
		})
	}
	close(start)
	require.NoError(t, calls.Wait())
	require.Len(t, owners, 1, "one activation answered all calls")
	got, err := get.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, 1000, got)
}

func TestHostsShareTheLoad(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	for range 3 {
		b.Host(counters())
	}
	hosts := map[string]int{}
	for i := range 60 {
		at, err := whereIs.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, "n", string(rune('a'+i))), nil)
		require.NoError(t, err)
		hosts[at.Host]++
	}
	require.Len(t, hosts, 3)
}

func TestNothingAcknowledgedIsLostWhenHostsStopAndStart(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ref := troupe.GetOrCreate[counter](b.Client, "kept")
	for want := 1; want <= 5; want++ {
		host := b.Host(counters())
		got, err := add.Call(ctx, ref, 1)
		require.NoError(t, err)
		require.Equal(t, want, got)
		if want%2 == 0 {
			b.Kill(host) // the next one finds out by itself
		}
		b.Stop(host)
	}
}

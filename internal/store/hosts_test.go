package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestEveryHostIsListedWhileLeasesAreRenewed renews leases as fast as it can, so that each moves in the stream while
// the list runs.
func TestEveryHostIsListedWhileLeasesAreRenewed(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	hosts, err := store.OpenHosts(t.Context(), bustest.Connect(t), ns, store.Settings{})
	require.NoError(t, err)
	names := []string{"a", "b", "c"}
	revisions := make([]uint64, len(names))
	renew := func(ctx context.Context) (err error) {
		for i := 0; i < len(names) && err == nil; i++ {
			revisions[i], err = hosts.Renew(ctx, store.HostEntry{ID: names[i]}, revisions[i], time.Minute)
		}
		return err
	}
	require.NoError(t, renew(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			err = renew(ctx)
		}
		ended <- err
	}()
	for range 500 {
		found := make(map[string]bool)
		all, err := hosts.All(t.Context())
		require.NoError(t, err)
		for _, host := range all {
			found[host.ID] = true
		}
		require.Len(t, found, len(names))
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

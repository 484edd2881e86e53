package bus_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
)

// TestEveryHostIsListedWhileLeasesAreRenewed renews leases as fast as it can: each is at another place of the stream at
// every look.
func TestEveryHostIsListedWhileLeasesAreRenewed(t *testing.T) {
	t.Parallel()
	ns, err := bus.NewNamespace("")
	require.NoError(t, err)
	hosts, err := bus.OpenHosts(t.Context(), connect(t), ns, 0)
	require.NoError(t, err)
	names := []string{"a", "b", "c"}
	revisions := make([]uint64, len(names))
	renew := func() {
		for i, name := range names {
			revisions[i], err = hosts.Renew(t.Context(), bus.HostEntry{ID: name}, revisions[i], time.Minute)
			if err != nil {
				return
			}
		}
	}
	renew()
	require.NoError(t, err)
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- err
				return
			default:
				renew()
			}
		}
	}()
	for range 500 {
		found := make(map[string]bool)
		for host, err := range hosts.List(t.Context()) {
			require.NoError(t, err)
			found[host.ID] = true
		}
		require.Len(t, found, len(names))
	}
	close(stop)
	require.NoError(t, <-stopped)
}

//go:build !race

package actorhost_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestFullCluster has three servers whose own storage is used up: then they lead no stream any more, and answer nobody. It
// is not built for the race detector, which finds that servers read options while they are reloaded.
func TestFullCluster(t *testing.T) {
	t.Parallel()
	takesLong(t)
	configs := bustest.ClusterConfig(t)
	for _, config := range configs {
		config.JetStreamMaxStore, config.NoSigs, config.Host = 1<<20, true, "127.0.0.1"
		config.Port = bustest.FreePort(t)
	}
	servers := serveCluster(t, configs)
	const told = "the server has used up its JetStream storage"
	s, host := fillServers(t, servers[0].ClientURL(), servers[1].ClientURL(), told)
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(100 * time.Millisecond) { //nolint:forbidigo // beyond the lease
		err := s.tried(s.last)
		require.ErrorIs(t, err, troupe.ErrOverloaded, "the caller is told before its time is over")
		require.ErrorContains(t, err, told)
	}
	require.Equal(t, 1, strings.Count(s.logged.String(), "level=WARN"), s.logged.String())
	require.Contains(t, s.logged.String(), told)

	for i, srv := range servers {
		larger := configs[i].Clone()
		larger.JetStreamMaxStore = 64 << 20
		require.NoError(t, srv.ReloadOptions(larger))
	}
	s.hasRoom(60 * time.Second)
	require.NoError(t, host.Stop(t.Context()))
}

//go:build !race

package actorhost_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestFullCluster has three servers whose own storage is used up: then they lead no stream any more, and answer nobody. It
// is not built for the race detector, which finds that servers read options while they are reloaded.
func TestFullCluster(t *testing.T) {
	t.Parallel()
	configs := bustest.ClusterConfig(t)
	for _, config := range configs {
		config.JetStreamMaxStore, config.NoSigs, config.Host = 1<<20, true, "127.0.0.1"
		config.Port = bustest.FreePort(t)
	}
	servers := serveCluster(t, configs)
	s, way := &fullSystem{t: t}, system{t: t}
	s.client = way.client(way.connect(servers[0].ClientURL(), "any"), "")
	host, err := actorhost.Start(t.Context(), way.connect(servers[1].ClientURL(), "any"),
		actorhost.Config{Logger: slog.New(slog.NewTextHandler(&s.logged, nil))}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	require.NoError(t, call(t.Context(), add, s.ref(1), 7))

	const told = "the server has used up its JetStream storage"
	s.last = 1
	for err = nil; err == nil; s.last++ {
		began := time.Now()
		_, err = pad.Call(t.Context(), s.ref(s.last+1), padding)
		require.Less(t, time.Since(began), 10*time.Second)
	}
	s.last--
	require.ErrorContains(t, err, told)
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(100 * time.Millisecond) { //nolint:forbidigo // beyond the lease
		began := time.Now()
		err := s.tried(s.last)
		require.ErrorIs(t, err, troupe.ErrOverloaded)
		require.ErrorContains(t, err, told)
		require.Less(t, time.Since(began), 2*time.Second, "the caller is told at once")
	}
	require.Equal(t, 1, strings.Count(s.logged.String(), "level=WARN"), s.logged.String())
	require.Contains(t, s.logged.String(), told)

	for i, srv := range servers {
		larger := configs[i].Clone()
		larger.JetStreamMaxStore = 64 << 20
		require.NoError(t, srv.ReloadOptions(larger))
	}
	require.Eventually(t, func() bool { return s.tried(s.last+1) == nil }, 60*time.Second, 50*time.Millisecond)
	for i := 2; i < s.last; i++ {
		size, err := padded.Call(t.Context(), s.ref(i), nil)
		require.NoError(t, err)
		require.Equal(t, padding, size, "what was acknowledged is there")
	}
	require.NoError(t, call(t.Context(), add, s.ref(1), 1))
	n, err := get.Call(t.Context(), s.ref(1), nil)
	require.NoError(t, err)
	require.Equal(t, 8, n)
	require.NoError(t, host.Stop(t.Context()))
}

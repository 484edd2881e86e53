//go:build linux

package actorhost_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestFullDiskOfOneInACluster fills the disk of one server of three: the others go on, and it catches up when it has room.
func TestFullDiskOfOneInACluster(t *testing.T) {
	t.Parallel()
	takesLong(t)
	dir, grow := smallDisk(t)
	configs := bustest.ClusterConfig(t)
	for _, config := range configs {
		config.Host, config.Port, config.JetStreamMaxStore = "127.0.0.1", bustest.FreePort(t), 1<<30
	}
	configs[0].StoreDir = dir
	small := configs[0].Clone()
	servers := serveCluster(t, configs)
	s, way := &fullSystem{t: t, last: 1}, system{t: t}
	nc := way.connect(servers[1].ClientURL(), "any")
	s.client = way.client(nc, "")
	host, err := actorhost.Start(t.Context(), way.connect(servers[2].ClientURL(), "any"),
		actorhost.Config{Logger: slog.New(slog.NewTextHandler(&s.logged, nil))}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	require.NoError(t, call(t.Context(), add, s.ref(1), 7))
	for ; s.last < 100; s.last++ {
		_, err := pad.Call(t.Context(), s.ref(s.last+1), padding)
		require.NoError(t, err, "%s", s.logged.String())
	}
	require.Less(t, recordsOn(t, servers[0]), s.last, "its disk has no room for all")

	grow()
	servers[0].Shutdown()
	servers[0].WaitForShutdown()
	again := bustest.Serve(t, small)
	require.Eventually(t, func() bool { return recordsOn(t, again) >= s.last }, 60*time.Second, 50*time.Millisecond)
	s.hasRoom(20 * time.Second)
	require.NoError(t, host.Stop(t.Context()))
}

// recordsOn returns how many records a server has itself: those that lead take one that has run out of disk for current.
func recordsOn(t *testing.T, srv *server.Server) int {
	t.Helper()
	has, err := srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if !assert.NoError(t, err) {
		return 0
	}
	for _, account := range has.AccountDetails {
		for _, stream := range account.Streams {
			if stream.Name == "KV_troupe-actors" {
				return int(stream.State.Msgs)
			}
		}
	}
	return 0
}

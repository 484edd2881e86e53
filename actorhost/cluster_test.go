package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestClusterIsTheSameProgramWithAnotherURL has a host and a client on each of three servers.
func TestClusterIsTheSameProgramWithAnotherURL(t *testing.T) {
	t.Parallel()
	urls := bustest.Cluster(t)
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	connect := func(url string) *nats.Conn {
		nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	var hosts []*actorhost.Host
	var clients []*client.Client
	for _, url := range urls {
		host, err := actorhost.Start(t.Context(), connect(url), actorhost.Config{Logger: logger}, counters())
		require.NoError(t, err)
		t.Cleanup(func() { _ = host.Stop(context.Background()) }) // if the test has failed
		hosts = append(hosts, host)
		c, err := client.New(connect(url), client.Config{})
		require.NoError(t, err)
		clients = append(clients, c)
		t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	}

	var calls errgroup.Group
	for i := range 300 {
		c := clients[i%3]
		calls.Go(func() error {
			return call(t.Context(), add, troupe.GetOrCreate[counter](c, fmt.Sprint(i%10)), 1)
		})
	}
	require.NoError(t, calls.Wait())
	at := map[string]bool{}
	for i := range 10 {
		got, err := get.Call(t.Context(), troupe.GetOrCreate[counter](clients[i%3], fmt.Sprint(i)), nil)
		require.NoError(t, err)
		require.Equal(t, 30, got)
		is, err := whereIs.Call(t.Context(), troupe.GetOrCreate[counter](clients[i%3], "fresh", fmt.Sprint(i)), nil)
		require.NoError(t, err)
		at[is.Host] = true
	}
	require.Greater(t, len(at), 1, "hosts share the load")

	// Clean stops hand the actors over without waiting for leases. A call that is sent before all servers know of the
	// stop is lost, and sent again.
	for _, host := range hosts[:2] {
		require.NoError(t, host.Stop(t.Context()))
	}
	for i := range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // less than a lease
		defer cancel()
		got, err := get.Call(ctx, troupe.GetOrCreate[counter](clients[i%3], fmt.Sprint(i)), nil)
		require.NoError(t, err)
		require.Equal(t, 30, got)
	}
	require.NoError(t, hosts[2].Stop(t.Context()))
}

// TestHostsStartTogetherOnANewCluster has hosts make the same buckets at the same time, by different servers.
func TestHostsStartTogetherOnANewCluster(t *testing.T) {
	t.Parallel()
	takesLong(t)
	urls := bustest.Cluster(t)
	for namespace := range 3 {
		var starts errgroup.Group
		for i := range 6 {
			nc, err := bus.Connect(t.Context(), bus.Config{URL: urls[i%3]})
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			starts.Go(func() error {
				config := actorhost.Config{Namespace: fmt.Sprint("n", namespace), Logger: slog.New(slog.DiscardHandler)}
				host, err := actorhost.Start(t.Context(), nc, config, counters())
				if err != nil {
					return err
				}
				return host.Stop(t.Context())
			})
		}
		require.NoError(t, starts.Wait())
	}
}

// TestStartWaitsForTheElection starts a host on the first of three servers, which cannot elect a leader alone.
func TestStartWaitsForTheElection(t *testing.T) {
	t.Parallel()
	takesLong(t)
	servers := bustest.ClusterConfig(t)
	way := tap(t, bustest.Serve(t, servers[0]).ClientURL())
	nc, err := bus.Connect(t.Context(), bus.Config{URL: way.url})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	started := make(chan error, 1)
	go func() {
		host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
		if err == nil {
			err = host.Stop(context.Background())
		}
		started <- err
	}()
	// For some seconds the server says nothing, then that it has no leader.
	asked := func() bool { return strings.Count(way.sent.String(), "PUB $JS.API.") > 10 }
	require.Eventually(t, asked, 25*time.Second, time.Millisecond)
	require.Empty(t, started)
	for _, config := range servers[1:] {
		bustest.Serve(t, config)
	}
	require.NoError(t, <-started)
}

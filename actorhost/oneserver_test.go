package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// oneServers are servers whose JetStream runs on one server, though some of them have the name of a cluster. Each
// configuration is of the server that hosts connect to; %d is the port of a hub for leaf nodes.
var oneServers = map[string]oneServer{
	"plain":                           {"jetstream {}", "3s"},
	"named":                           {"jetstream {}\ncluster {name: shop}", "3s"},
	"leaf node":                       {"jetstream {domain: leaf}\nleafnodes {remotes: [{url: \"nats-leaf://127.0.0.1:%d\"}]}", "3s"},
	"leaf node, named":                {"server_name: l\njetstream {domain: leaf}\ncluster {name: shop}\nleafnodes {remotes: [{url: \"nats-leaf://127.0.0.1:%d\"}]}", "3s"},
	"leaf node, JetStream on the hub": {sharedDomain + "server_name: l\nleafnodes {remotes: [{url: \"nats-leaf://127.0.0.1:%d\"}]}", "15s"},
}

// sharedDomain lets JetStream of one server be used through others.
const sharedDomain = "default_js_domain: {\"$G\": \"\"}\n"

type oneServer struct {
	config string
	lease  string // of hosts
}

func (o oneServer) start(t *testing.T) (url string) {
	t.Helper()
	withStore := func(o *server.Options) { o.StoreDir = t.TempDir() }
	if !strings.Contains(o.config, "%d") {
		return serveConfig(t, o.config, withStore).ClientURL()
	}
	hub := serveConfig(t, sharedDomain+leafPort, func(options *server.Options) {
		options.JetStream, options.StoreDir = !strings.Contains(o.config, "jetstream {"), t.TempDir()
	})
	about, err := hub.Varz(nil)
	require.NoError(t, err)
	leaf := serveConfig(t, fmt.Sprintf(o.config, about.LeafNode.Port), withStore)
	require.Eventually(t, func() bool { // the leaf has heard what is on the hub, if that is
		return hub.NumLeafNodes() == 1 && leaf.GlobalAccount().SubscriptionInterest("$JS.API.INFO")
	}, 10*time.Second, time.Millisecond)
	return leaf.ClientURL()
}

// TestOneServerIsNoCluster starts hosts with the defaults, and asks what they have made of them.
func TestOneServerIsNoCluster(t *testing.T) {
	t.Parallel()
	for name, of := range oneServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := of.start(t)
			connect := func() *nats.Conn {
				nc, err := bus.Connect(t.Context(), bus.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				t.Cleanup(nc.Close)
				return nc
			}
			nc := connect()
			var logged bustest.Log
			start := func(nc *nats.Conn, lease time.Duration) *actorhost.Host {
				config := actorhost.Config{Lease: lease, Logger: slog.New(slog.NewTextHandler(&logged, nil))}
				host, err := actorhost.Start(t.Context(), nc, config, counters())
				require.NoError(t, err)
				t.Cleanup(func() { _ = host.Stop(context.Background()) })
				return host
			}
			for range 2 { // the one that makes the buckets, and one that finds them
				host := start(nc, 0)
				js, err := jetstream.New(nc)
				require.NoError(t, err)
				stream, err := js.Stream(t.Context(), "KV_troupe-hosts")
				require.NoError(t, err)
				require.Equal(t, 1, stream.CachedInfo().Config.Replicas)
				lease, err := stream.GetLastMsgForSubject(t.Context(), "$KV.troupe-hosts."+host.ID())
				require.NoError(t, err)
				require.Equal(t, of.lease, lease.Header.Get(jetstream.MsgTTLHeader))
				require.NoError(t, host.Stop(t.Context()))
			}
			require.NotContains(t, logged.String(), "is not as a host would make it")
			if of.lease == "3s" {
				dies := connect()
				start(dies, time.Hour)
				c, err := client.New(nc, client.Config{})
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
				ref := troupe.GetOrCreate[counter](c, "a")
				require.NoError(t, call(t.Context(), add, ref, 1))
				start(connect(), time.Hour)
				dies.Close()
				require.NoError(t, call(t.Context(), add, ref, 1)) // within the hour
			}
		})
	}
}

package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
)

// spot is where a program connects, as a user.
type spot struct {
	server *server.Server
	user   string
}

// inOneStore are the topologies of docs/topologies.md in which a namespace has one store: where hosts are, and where callers.
// Hosts and callers at each spot work with those at all others.
var inOneStore = map[string]func(*testing.T) (hosts, callers []spot){
	"single server":                        singleServer,
	"cluster of three":                     clusterOfThree,
	"super-cluster":                        superCluster,
	"leaf node without JetStream":          leafWithout,
	"leaf node with JetStream, other name": leafWith,
	"accounts":                             twoAccounts,
}

func singleServer(t *testing.T) (hosts, callers []spot) {
	t.Helper()
	one := spot{serveConfig(t, fmt.Sprintf(oneAccount, ""), withJetStream(t)), "host"}
	return []spot{one, one}, []spot{one}
}

func withJetStream(t *testing.T) func(*server.Options) {
	t.Helper()
	return func(o *server.Options) { o.JetStream, o.StoreDir, o.NoLog = true, t.TempDir(), true }
}

func clusterOfThree(t *testing.T) (hosts, callers []spot) {
	t.Helper()
	for _, s := range serveCluster(t, bustest.ClusterConfig(t)) {
		hosts = append(hosts, spot{s, "host"})
	}
	return hosts, hosts
}

func serveCluster(t *testing.T, configs []*server.Options) (servers []*server.Server) {
	t.Helper()
	for _, config := range configs {
		servers = append(servers, bustest.Serve(t, config))
	}
	waitForLeader(t, servers)
	return servers
}

func waitForLeader(t *testing.T, servers []*server.Server) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, s := range servers {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(servers) {
				return true
			}
		}
		return false
	}, 60*time.Second, 20*time.Millisecond)
}

// superCluster is a cluster of three servers and one of one, with gateways.
func superCluster(t *testing.T) (hosts, callers []spot) {
	t.Helper()
	east, west := bustest.ClusterConfig(t), bustest.ClusterConfig(t)[:1]
	west[0].ServerName, west[0].Cluster.Name, west[0].Routes = "w0", "west", west[0].Routes[:1]
	for _, o := range append(east, west...) {
		o.Gateway = server.GatewayOpts{Name: o.Cluster.Name, Host: "127.0.0.1", Port: bustest.FreePort(t)}
	}
	for _, o := range append(east, west...) {
		for _, name := range []*server.Options{east[0], west[0]} {
			at := &url.URL{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", name.Gateway.Port)}
			o.Gateway.Gateways = append(o.Gateway.Gateways, &server.RemoteGatewayOpts{Name: name.Cluster.Name, URLs: []*url.URL{at}})
		}
	}
	var servers []*server.Server
	for _, config := range append(east, west...) {
		servers = append(servers, bustest.Serve(t, config))
	}
	waitForLeader(t, servers)
	require.Eventually(t, func() bool { return servers[3].NumOutboundGateways() == 1 && servers[0].NumOutboundGateways() == 1 },
		20*time.Second, 10*time.Millisecond)
	for _, s := range []*server.Server{servers[0], servers[3], servers[1]} {
		hosts = append(hosts, spot{s, "host"})
	}
	return hosts, hosts
}

// leafWithout is a leaf node that uses the JetStream of its hub.
func leafWithout(t *testing.T) (hosts, callers []spot) {
	t.Helper()
	hub := serveConfig(t, sharedDomain+leafPort, withJetStream(t))
	about, err := hub.Varz(nil)
	require.NoError(t, err)
	leaf := serveConfig(t, sharedDomain+fmt.Sprintf(`leafnodes {remotes: [{url: "nats-leaf://127.0.0.1:%d"}]}`, about.LeafNode.Port),
		func(*server.Options) {})
	require.Eventually(t, func() bool {
		return hub.NumLeafNodes() == 1 && leaf.GlobalAccount().SubscriptionInterest("$JS.API.INFO")
	}, 10*time.Second, time.Millisecond)
	both := []spot{{hub, "host"}, {leaf, "host"}}
	return both, both
}

// leafWith is a leaf node with JetStream of its own, on which nobody runs hosts of this namespace. Callers are on both.
func leafWith(t *testing.T) (hosts, callers []spot) {
	t.Helper()
	s := startTwoStores(t, "domain: hub,", "domain: leaf,")
	s.link()
	hub, leaf := spot{s.hub, "host"}, spot{s.leaf, "caller"}
	host, err := s.startIn(s.leaf, "other")
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	return []spot{hub, hub}, []spot{hub, leaf}
}

// startIn starts a host of another namespace.
func (s *twoStores) startIn(srv *server.Server, namespace string) (*actorhost.Host, error) {
	s.t.Helper()
	nc := (&system{t: s.t}).connect(srv.ClientURL(), "host")
	return actorhost.Start(s.t.Context(), nc, actorhost.Config{Namespace: namespace, Logger: slog.New(slog.DiscardHandler)}, counters())
}

// twoAccounts are one with hosts and one with callers.
func twoAccounts(t *testing.T) (hosts, callers []spot) {
	t.Helper()
	s := serveConfig(t, accounts(""), withJetStream(t))
	return []spot{{s, "host"}, {s, "host"}}, []spot{{s, "host"}, {s, "caller"}}
}

// TestTopologies has a host at each spot and callers at each, and stops the hosts one after the other.
func TestTopologies(t *testing.T) {
	t.Parallel()
	for name, start := range inOneStore {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, from := start(t)
			s := &system{t: t}
			var hosts []*actorhost.Host
			for _, p := range at {
				config := actorhost.Config{Logger: slog.New(slog.DiscardHandler)}
				host, err := actorhost.Start(t.Context(), s.connect(p.server.ClientURL(), p.user), config, counters())
				require.NoError(t, err)
				t.Cleanup(func() { _ = host.Stop(context.Background()) })
				hosts = append(hosts, host)
			}
			added := 0
			for i, host := range hosts {
				for _, p := range from {
					ref := troupe.GetOrCreate[counter](s.client(s.connect(p.server.ClientURL(), p.user), ""), "a")
					require.Eventually(t, func() bool { return call(t.Context(), add, ref, 0) == nil }, 20*time.Second, 10*time.Millisecond)
					require.NoError(t, call(t.Context(), add, ref, 1))
					added++
					n, err := get.Call(t.Context(), ref, nil)
					require.NoError(t, err)
					require.Equal(t, added, n)
				}
				if i < len(hosts)-1 {
					require.NoError(t, host.Stop(t.Context()))
				}
			}
		})
	}
}

// TestAccountsDoNotMeet has hosts of one namespace in two accounts of one server. Each has its own actors.
func TestAccountsDoNotMeet(t *testing.T) {
	t.Parallel()
	srv := serveConfig(t, `accounts {
		ONE {jetstream: enabled, users: [{user: one, password: p}]}
		TWO {jetstream: enabled, users: [{user: two, password: p}]}
	}`, withJetStream(t))
	s := &system{t: t}
	for i, user := range []string{"one", "two"} {
		nc := s.connect(srv.ClientURL(), user)
		host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
		require.NoError(t, err)
		t.Cleanup(func() { _ = host.Stop(context.Background()) })
		ref := troupe.GetOrCreate[counter](s.client(nc, ""), "a")
		require.NoError(t, call(t.Context(), add, ref, 10+i))
		n, err := get.Call(t.Context(), ref, nil)
		require.NoError(t, err)
		require.Equal(t, 10+i, n)
	}
}

package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// topology is a way from callers to hosts that is longer than one server and one account.
type topology struct {
	hub  string // the configuration of the server of the hosts, whose users are host and caller
	leaf string // that of the server of the callers, if it is another; %d is the port of the hub for leaf nodes
	// Namespace is how the callers call that of the hosts.
	namespace string
	rewrites  bool // servers change the reply subjects of calls
}

// accounts are one for hosts and one for callers, which imports services with the given option.
func accounts(option string) string {
	var exports, imports strings.Builder
	for _, service := range []string{"troupe.call.>", "troupe.route.>", "troupe.host.>"} {
		fmt.Fprintf(&exports, "{service: %q}\n", service)
		fmt.Fprintf(&imports, "{service: {account: HOSTS, subject: %q}%s}\n", service, option)
	}
	return fmt.Sprintf(`accounts {
		HOSTS {jetstream: enabled, users: [{user: host, password: p}], exports: [%s {stream: "troupe.event.>"}]}
		CALLERS {users: [{user: caller, password: p}], imports: [%s {stream: {account: HOSTS, subject: "troupe.event.>"}}]}
	}`, &exports, &imports)
}

const (
	oneAccount = `accounts {ALL {jetstream: enabled, users: [{user: host, password: p}, {user: caller, password: p}] %s}}`
	leafPort   = "\nleafnodes {listen: \"127.0.0.1:-1\"}"
	leafServer = `leafnodes {remotes: [{url: "nats-leaf://caller:p@127.0.0.1:%d"}]}`
)

var topologies = map[string]topology{
	"one account":               {hub: fmt.Sprintf(oneAccount, "")},
	"another account":           {hub: accounts(""), rewrites: true},
	"another account, shared":   {hub: accounts(", share: true"), rewrites: true},
	"leaf node":                 {hub: fmt.Sprintf(oneAccount, "") + leafPort, leaf: leafServer},
	"leaf node, other account":  {hub: accounts("") + leafPort, leaf: leafServer, rewrites: true},
	"mapped subjects of calls":  {hub: fmt.Sprintf(oneAccount, mapped("call", "route")), namespace: "app"},
	"mapped subjects, of hosts": {hub: fmt.Sprintf(oneAccount, mapped("call", "route", "host")), namespace: "app"},
}

func mapped(kinds ...string) string {
	var mappings strings.Builder
	for _, kind := range kinds {
		fmt.Fprintf(&mappings, "\"app.%s.>\": \"troupe.%s.>\"\n", kind, kind)
	}
	return ", mappings: {" + mappings.String() + "}"
}

// system is a topology with hosts.
type system struct {
	t       *testing.T
	serves  []actorhost.Definition
	hosts   string // URL for hosts
	callers string // URL for callers
	byID    map[string]*nats.Conn
	ways    []*wiretap     // of the hosts
	own     *client.Client // where the hosts are
}

func serveConfig(t *testing.T, config string, edit func(*server.Options)) *server.Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	options, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	edit(options)
	return bustest.Serve(t, options)
}

func (to topology) start(t *testing.T, serves ...actorhost.Definition) *system {
	t.Helper()
	hub := serveConfig(t, to.hub, func(o *server.Options) { o.JetStream, o.StoreDir = true, t.TempDir() })
	callers := hub
	if to.leaf != "" {
		about, err := hub.Varz(nil)
		require.NoError(t, err)
		callers = serveConfig(t, fmt.Sprintf(to.leaf, about.LeafNode.Port), func(*server.Options) {})
		require.Eventually(t, func() bool { return hub.NumLeafNodes() == 1 }, 10*time.Second, time.Millisecond)
	}
	s := &system{t: t, serves: serves, hosts: hub.ClientURL(), callers: callers.ClientURL(), byID: make(map[string]*nats.Conn)}
	s.own = s.client(s.connect(s.hosts, "host"), "")
	return s
}

func (s *system) connect(url, user string) *nats.Conn {
	s.t.Helper()
	nc, err := bus.Connect(s.t.Context(), bus.Config{URL: url, User: user, Password: "p", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(s.t, err)
	s.t.Cleanup(nc.Close)
	return nc
}

func (s *system) client(nc *nats.Conn, namespace string) *client.Client {
	s.t.Helper()
	c, err := client.New(nc, client.Config{Namespace: namespace})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func (s *system) host() *actorhost.Host {
	s.t.Helper()
	way := tap(s.t, s.hosts)
	nc := s.connect(way.url, "host")
	s.ways = append(s.ways, way)
	config := actorhost.Config{Lease: time.Second, Logger: slog.New(slog.DiscardHandler)}
	host, err := actorhost.Start(s.t.Context(), nc, config, s.serves...)
	require.NoError(s.t, err)
	s.byID[host.ID()] = nc
	s.t.Cleanup(func() { _ = host.Stop(context.Background()) })
	return host
}

// kill cuts off the host that has an actor, and starts another.
func (s *system) kill(ref counter) {
	s.t.Helper()
	at, err := whereIs.Call(s.t.Context(), ref, nil)
	require.NoError(s.t, err)
	s.byID[at.Host].Close()
	s.host()
}

// wiretap is a way to a server that records what clients send, and may lose what the server says.
type wiretap struct {
	url    string
	sent   bustest.Log
	deaf   atomic.Bool
	frozen sync.RWMutex // while it is locked, nothing gets through, and nothing is lost
}

type tappedConn struct {
	net.Conn
	sent io.Reader
	way  *wiretap
}

func (c *tappedConn) Read(p []byte) (int, error) {
	n, err := c.sent.Read(p)
	c.way.frozen.RLock()
	defer c.way.frozen.RUnlock()
	return n, err
}

func (c *tappedConn) Write(p []byte) (int, error) {
	c.way.frozen.RLock()
	defer c.way.frozen.RUnlock()
	return c.Conn.Write(p)
}

func tap(t *testing.T, url string) *wiretap {
	t.Helper()
	w := new(wiretap)
	to := strings.TrimPrefix(url, "nats://")
	w.url = "nats://" + bustest.Listen(t, func(conn net.Conn) {
		bustest.Forward(&tappedConn{conn, io.TeeReader(conn, &w.sent), w}, to, &w.deaf)
	})
	return w
}

// names is how many messages were sent with the name of a call in a header.
func (w *wiretap) names() int { return strings.Count(w.sent.String(), "Troupe-Call: ") }

// TestCallsRunOnceWhereverTheirCallersAre loses the first reply to each call, and hosts that have made some of them.
func TestCallsRunOnceWhereverTheirCallersAre(t *testing.T) {
	t.Parallel()
	for name, to := range topologies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := to.start(t, counters())
			s.host()
			s.host()
			way := tap(t, s.callers)
			c := s.client(s.connect(way.url, "caller"), to.namespace)
			ref, same := troupe.GetOrCreate[counter](c, "a"), troupe.GetOrCreate[counter](s.own, "a")
			require.Eventually(t, func() bool { return call(t.Context(), add, ref, 0) == nil }, 10*time.Second, time.Millisecond)

			const adds = 13
			for i := 1; i <= adds; i++ {
				way.deaf.Store(true)
				added := make(chan error, 1)
				go func() { added <- call(t.Context(), add, ref, 1) }()
				require.Eventually(t, func() bool {
					n, err := get.Call(t.Context(), same, nil)
					return err == nil && n == i
				}, 10*time.Second, time.Millisecond)
				if i%5 == 0 {
					s.kill(same)
				}
				way.deaf.Store(false)
				require.NoError(t, <-added)
			}
			n, err := get.Call(t.Context(), ref, nil)
			require.NoError(t, err)
			require.Equal(t, adds, n)
			require.Positive(t, c.Resent())
		})
	}
}

// TestCallsRunOnceThoughHostsFreeze has hosts find calls that others have made meanwhile. Each ring is heard once.
func TestCallsRunOnceThoughHostsFreeze(t *testing.T) {
	t.Parallel()
	for name, to := range topologies {
		if !to.rewrites {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := to.start(t, bellAndEar...)
			s.host()
			s.host()
			c := s.client(s.connect(s.callers, "caller"), "")
			ref := troupe.GetOrCreate[bell](c, "a")
			require.Eventually(t, func() bool { return call(t.Context(), ring, ref, 0) == nil }, 10*time.Second, time.Millisecond)
			const rings = 13
			heard := make(chan int, 2*rings)
			_, err := rang.Subscribe(t.Context(), ref, func(_ context.Context, n int) error { heard <- n; return nil })
			require.NoError(t, err)
			for i := 1; i <= rings; i++ {
				way := s.ways[i%2]
				if i%3 == 0 {
					way.frozen.Lock()
				}
				n, err := ring.Call(t.Context(), ref, 1)
				if i%3 == 0 {
					way.frozen.Unlock()
				}
				require.NoError(t, err)
				require.Equal(t, i, n)
				require.Eventually(t, func() bool { return len(heard) == i }, 10*time.Second, time.Millisecond)
			}
			require.Positive(t, c.Resent())
		})
	}
}

// TestNamesOfCallsAreSentUntilTheyAreNotNeeded counts them, and the batches that servers must be able to take to hosts.
func TestNamesOfCallsAreSentUntilTheyAreNotNeeded(t *testing.T) {
	t.Parallel()
	for name, to := range topologies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := to.start(t, counters())
			s.host()
			s.host()
			way := tap(t, s.callers)
			nc := s.connect(way.url, "caller")
			c := s.client(nc, to.namespace)
			eventually := func(is func() bool) {
				t.Helper()
				require.Eventually(t, is, 10*time.Second, time.Millisecond)
			}
			woken := 0
			wakeAndAdd := func() error {
				ref := troupe.GetOrCreate[counter](c, "new", fmt.Sprint(woken))
				woken++
				return errors.Join(call(t.Context(), add, ref, 1), call(t.Context(), add, ref, 1))
			}
			adds := func(names bool) func() bool { // one by the route, and one to the actor itself
				return func() bool {
					before := way.names()
					return wakeAndAdd() == nil && (way.names() > before) == names
				}
			}
			eventually(adds(true))
			if !to.rewrites {
				eventually(adds(false))
				known := way.names()
				for range 20 {
					require.NoError(t, wakeAndAdd())
				}
				require.Equal(t, known, way.names())
				require.NoError(t, nc.ForceReconnect())
				eventually(adds(true))
				eventually(adds(false))
			}

			calls := load{Calls: 3_000, InFlight: 64}
			_, err := calls.run(t.Context(), func(ctx context.Context, i int) error {
				return call(ctx, add, troupe.GetOrCreate[counter](c, fmt.Sprint(i%4)), 1)
			})
			require.NoError(t, err)
			batches := strings.Count(way.sent.String(), ".batch ")
			if to.rewrites {
				require.GreaterOrEqual(t, way.names(), calls.Calls)
				require.Zero(t, batches)
			} else if to.namespace == "" {
				require.Positive(t, batches)
			}
		})
	}
}

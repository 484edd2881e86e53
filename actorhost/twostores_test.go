package actorhost_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/bustest"
)

// twoStores are a hub and a leaf node, each with JetStream of its own, in one account. They are linked once link is called.
type twoStores struct {
	t         *testing.T
	hub, leaf *server.Server
	linked    atomic.Bool
}

func startTwoStores(t *testing.T, hubDomain, leafDomain string) *twoStores {
	t.Helper()
	s := &twoStores{t: t}
	jetStream := func(domain string) string {
		return fmt.Sprintf("jetstream {%s store_dir: %q}\n", domain, t.TempDir()) + fmt.Sprintf(oneAccount, "")
	}
	s.hub = serveConfig(t, jetStream(hubDomain)+leafPort, func(*server.Options) {})
	about, err := s.hub.Varz(nil)
	require.NoError(t, err)
	way := bustest.Listen(t, func(conn net.Conn) {
		if s.linked.Load() {
			bustest.Forward(conn, fmt.Sprint("127.0.0.1:", about.LeafNode.Port), new(atomic.Bool))
		}
	})
	s.leaf = serveConfig(t, jetStream(leafDomain)+
		fmt.Sprintf("\nleafnodes {remotes: [{url: \"nats-leaf://caller:p@%s\", account: ALL}]}", way),
		func(o *server.Options) { o.LeafNode.ReconnectInterval = 100 * time.Millisecond })
	return s
}

func (s *twoStores) link() {
	s.t.Helper()
	s.linked.Store(true)
	require.Eventually(s.t, func() bool { return s.hub.NumLeafNodes() == 1 && s.leaf.NumLeafNodes() == 1 }, 20*time.Second, time.Millisecond)
}

func (s *twoStores) start(srv *server.Server, name string, logged io.Writer) (*actorhost.Host, error) {
	s.t.Helper()
	nc := (&system{t: s.t}).connect(srv.ClientURL(), "host")
	host, err := actorhost.Start(s.t.Context(), nc, actorhost.Config{
		Name: name, Lease: time.Second, Logger: slog.New(slog.NewTextHandler(logged, nil)),
	}, counters())
	if err == nil {
		s.t.Cleanup(func() { _ = host.Stop(context.Background()) })
	}
	return host, err
}

var besides = map[string]struct {
	hub, leaf string // their JetStream domains
	older     bool   // the store of the host that is not to start
}{
	"domains":                 {"domain: hub,", "domain: leaf,", false},
	"no domains":              {"", "", false},
	"domains, the older late": {"domain: hub,", "domain: leaf,", true},
}

// TestNoHostStartsBesideAnotherStore starts a host where one of another store is up.
func TestNoHostStartsBesideAnotherStore(t *testing.T) {
	t.Parallel()
	for name, of := range besides {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTwoStores(t, of.hub, of.leaf)
			if of.older {
				host, err := s.start(s.leaf, "before", io.Discard)
				require.NoError(t, err)
				require.NoError(t, host.Stop(t.Context()))
			}
			s.link()
			_, err := s.start(s.hub, "first", io.Discard)
			require.NoError(t, err)
			_, err = s.start(s.hub, "second", io.Discard)
			require.NoError(t, err)
			require.Eventually(t, func() bool { // the leaf has heard of the hosts
				return s.leaf.NumSubscriptions() > 0 && s.interest()
			}, 10*time.Second, time.Millisecond)
			_, err = s.start(s.leaf, "third", io.Discard)
			require.ErrorContains(t, err, "the namespace has hosts in two stores, so every actor would live twice: this host keeps them in ")
			require.ErrorContains(t, err, ", the host ")
			if of.hub != "" {
				require.ErrorContains(t, err, `this host keeps them in the JetStream domain "leaf"`)
				require.ErrorContains(t, err, `in the JetStream domain "hub"`)
			}
			require.True(t, strings.Contains(err.Error(), "the host first (") || strings.Contains(err.Error(), "the host second ("), err)
		})
	}
}

// interest reports whether the leaf knows that there are hosts at the hub.
func (s *twoStores) interest() bool {
	account, err := s.leaf.LookupAccount("ALL")
	return err == nil && account.SubscriptionInterest("troupe.host.all.store")
}

// TestHostsOfTheYoungerStoreStop links two stores whose hosts run. One of the two goes on.
func TestHostsOfTheYoungerStoreStop(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"hub", "leaf"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			s := startTwoStores(t, "domain: hub,", "domain: leaf,")
			older, younger := s.hub, s.leaf
			if first == "leaf" {
				older, younger = younger, older
			}
			var told, stopped bustest.Log
			stays, err := s.start(older, "older", &told)
			require.NoError(t, err)
			var leave []*actorhost.Host
			for range 2 {
				host, err := s.start(younger, "younger", &stopped)
				require.NoError(t, err)
				leave = append(leave, host)
			}
			s.link()
			for _, host := range leave {
				select {
				case <-host.Done():
				case <-time.After(20 * time.Second):
					t.Fatal("the host serves beside another store")
				}
				err := host.Stop(t.Context())
				require.ErrorContains(t, err, "the host has stopped: the namespace has hosts in two stores")
				require.ErrorContains(t, err, "the host older ("+stays.ID()+")")
			}
			require.Contains(t, stopped.String(), "the host must not serve: it stops")
			require.Eventually(t, func() bool { return told.Contains("another store has hosts of this namespace, which must stop") },
				10*time.Second, time.Millisecond)
			c := (&system{t: t}).client((&system{t: t}).connect(younger.ClientURL(), "caller"), "")
			require.Eventually(t, func() bool { return call(t.Context(), add, troupe.GetOrCreate[counter](c, "a"), 1) == nil }, 10*time.Second, time.Millisecond)
			require.Equal(t, 1, stays.Active())
			select {
			case <-stays.Done():
				t.Fatal("no host is left")
			default:
			}
		})
	}
}

// TestTellingOfStoresIsCheap counts what idle hosts say in virtual time.
func TestTellingOfStoresIsCheap(t *testing.T) {
	takesLong(t)
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		const hosts = 30
		for range hosts {
			b.Host(counters())
		}
		var said atomic.Int64
		sub, err := b.Connect().Subscribe("troupe.host.all.store", func(*nats.Msg) { said.Add(1) })
		require.NoError(t, err)
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		said.Store(0)
		time.Sleep(10 * time.Minute) //nolint:forbidigo // in a bubble
		require.NoError(t, sub.Unsubscribe())
		require.Greater(t, said.Load(), int64(40))
		require.Less(t, said.Load(), int64(90), "one every three leases, whatever the number of hosts")
	})
}

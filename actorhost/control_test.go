package actorhost_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
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

// twoLinks is a host on a server that can be told to end one of its two connections.
type twoLinks struct {
	srv  *server.Server
	host *actorhost.Host
	cl   *client.Client
	log  *bustest.Log
}

func startTwoLinks(t *testing.T, options server.Options) *twoLinks {
	t.Helper()
	options.NoLog, options.JetStream, options.StoreDir = true, true, t.TempDir()
	s := &twoLinks{srv: bustest.Serve(t, &options), log: new(bustest.Log)}
	connect := func(name string) *nats.Conn {
		nc, err := bus.Connect(t.Context(), bus.Config{URL: s.srv.ClientURL(), Name: name, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	var err error
	s.cl, err = client.New(connect("caller"), client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.cl.Close(context.Background())) })
	config := actorhost.Config{Logger: slog.New(slog.NewTextHandler(s.log, nil))}
	s.host, err = actorhost.Start(t.Context(), connect("host"), config, counters())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.host.Stop(context.Background()) })
	return s
}

// drop has the server end the connection with this name.
func (s *twoLinks) drop(t *testing.T, name string) {
	t.Helper()
	all, err := s.srv.Connz(&server.ConnzOptions{})
	require.NoError(t, err)
	for _, one := range all.Conns {
		if one.Name == name {
			require.NoError(t, s.srv.DisconnectClientByID(one.Cid))
			return
		}
	}
	require.Fail(t, "no such connection", "%s", name)
}

func (s *twoLinks) add(t *testing.T) int {
	t.Helper()
	sum, err := add.Call(t.Context(), troupe.GetOrCreate[counter](s.cl, "a"), 1)
	require.NoError(t, err)
	return sum
}

// TestOneOfTwoConnectionsIsLost: the host goes on with its actors and its lease once it is back.
func TestOneOfTwoConnectionsIsLost(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"host", "host control"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTwoLinks(t, server.Options{})
			id := s.host.ID()
			for i := range 5 {
				require.Equal(t, i+1, s.add(t))
				s.drop(t, name)
			}
			require.Equal(t, 6, s.add(t))
			require.Equal(t, id, s.host.ID())
			require.Equal(t, 1, s.host.Active())
		})
	}
}

// TestNoSecondConnection: the server takes no more connections than those that are there.
func TestNoSecondConnection(t *testing.T) {
	t.Parallel()
	s := startTwoLinks(t, server.Options{MaxConn: 2})
	require.Equal(t, 1, s.add(t))
	require.True(t, s.log.Contains("the host has one connection only"), s.log)
	s.drop(t, "host")
	require.Equal(t, 2, s.add(t))
	require.NoError(t, s.host.Stop(t.Context()))
}

// TestSecondConnectionEndsWithTheFirst: a program that closes its connection has nothing left of the host.
func TestSecondConnectionEndsWithTheFirst(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	nc, err := bus.Connect(t.Context(), bus.Config{URL: srv.ClientURL(), Name: "host"})
	require.NoError(t, err)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
	require.NoError(t, err)
	require.Equal(t, 2, srv.NumClients())
	nc.Close()
	<-host.Done()
	require.ErrorIs(t, host.Stop(t.Context()), nats.ErrConnectionClosed)
	require.Eventually(t, func() bool { return srv.NumClients() == 0 }, 10*time.Second, time.Millisecond)
}

// TestSecondConnectionIsQuiet: what a program has its connection tell it is not told of another, but errors are.
func TestSecondConnectionIsQuiet(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	told := make(chan error, 16)
	nc, err := nats.Connect(srv.ClientURL(), nats.Name("host"),
		nats.ClosedHandler(func(*nats.Conn) { told <- errors.New("closed") }),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { told <- errors.New("disconnected") }))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
	require.NoError(t, err)
	require.NoError(t, host.Stop(t.Context()))
	require.Eventually(t, func() bool { return srv.NumClients() == 1 }, 10*time.Second, time.Millisecond)
	require.Empty(t, told)
	require.True(t, strings.HasPrefix(nc.Opts.Name, "host"))
}

// TestConnectionForCallsIsDead: nothing arrives by it any more, and nobody tells. The host still has the other, and must not keep
// its actors all the same.
func TestConnectionForCallsIsDead(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	var lines atomic.Int32
	var dead, never atomic.Bool
	address := bustest.Listen(t, func(conn net.Conn) {
		drop := &never
		if lines.Add(1) == 1 {
			drop = &dead
		}
		bustest.Forward(conn, strings.TrimPrefix(srv.ClientURL(), "nats://"), drop)
	})
	start := func(url string) *actorhost.Host {
		nc, err := nats.Connect(url) // which notices after minutes
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
		require.NoError(t, err)
		return host
	}
	first := start("nats://" + address)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: srv.ClientURL(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
	one := troupe.GetOrCreate[counter](cl, "a")
	_, err = add.Call(t.Context(), one, 1)
	require.NoError(t, err)
	require.Equal(t, 1, first.Active())

	second := start(srv.ClientURL())
	t.Cleanup(func() { require.NoError(t, second.Stop(context.Background())) })
	dead.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sum, err := add.Call(ctx, one, 1)
	require.NoError(t, err)
	require.Equal(t, 2, sum)
	require.Equal(t, 1, second.Active())
}

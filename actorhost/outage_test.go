package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
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

// outages is a server with a disk that comes back where it was.
type outages struct {
	config bus.ServerConfig
	server *bus.Server
}

func startOutages(t *testing.T) *outages {
	t.Helper()
	s := &outages{config: bus.ServerConfig{
		DataDir: t.TempDir(), Listen: fmt.Sprint("127.0.0.1:", bustest.FreePort(t)), Logger: slog.New(slog.DiscardHandler),
	}}
	var err error
	s.server, err = bus.StartServer(s.config)
	require.NoError(t, err)
	t.Cleanup(func() { s.server.Shutdown() })
	return s
}

func (s *outages) restart(t *testing.T) {
	t.Helper()
	s.server.Shutdown()
	var err error
	s.server, err = bus.StartServer(s.config)
	require.NoError(t, err)
}

func (s *outages) connect(t *testing.T) *nats.Conn {
	t.Helper()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: s.server.URL(), Logger: s.config.Logger})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// TestServerRestartsUnderLoad restarts NATS twice while callers add to counters. What was acknowledged is there, and
// what certainly did not run is not: only calls with an unknown outcome may be either.
func TestServerRestartsUnderLoad(t *testing.T) {
	t.Parallel()
	for name, callers := range map[string]int{"few": 8, "many": 100} { // these change actors by way of the journal
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			restartUnderLoad(t, callers)
		})
	}
}

func restartUnderLoad(t *testing.T, callers int) {
	t.Helper()
	logger, s := slog.New(slog.DiscardHandler), startOutages(t)
	connect := func() *client.Client {
		c, err := client.New(s.connect(t), client.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
		return c
	}
	for range 2 {
		host, err := actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Logger: logger}, counters())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	}

	actors := callers + 2
	acknowledged, unknown := make([]atomic.Int64, actors), make([]atomic.Int64, actors)
	var done atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var calls errgroup.Group
	for caller := range callers {
		c := connect()
		calls.Go(func() error {
			for i := caller; ctx.Err() == nil; i++ {
				one, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				err := call(one, add, troupe.GetOrCreate[counter](c, fmt.Sprint(i%actors)), 1)
				cancel()
				var failed *troupe.Error
				switch {
				case err == nil:
					acknowledged[i%actors].Add(1)
					done.Add(1)
				case errors.Is(err, troupe.ErrOutcomeUnknown):
					unknown[i%actors].Add(1)
				case !errors.As(err, &failed) || !failed.Retryable:
					return err
				}
			}
			return nil
		})
	}
	goOn := func() {
		until := done.Load() + int64(30*actors)
		require.Eventually(t, func() bool { return done.Load() > until }, 30*time.Second, time.Millisecond)
	}
	for range 2 {
		goOn()
		s.restart(t)
	}
	goOn()
	stop()
	require.NoError(t, calls.Wait())
	c := connect()
	for i := range actors {
		got, err := get.Call(t.Context(), troupe.GetOrCreate[counter](c, fmt.Sprint(i)), nil)
		require.NoError(t, err)
		least := acknowledged[i].Load()
		require.GreaterOrEqual(t, int64(got), least)
		require.LessOrEqual(t, int64(got), least+unknown[i].Load())
	}
}

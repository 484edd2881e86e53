package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
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

// ends are ways in which a connection is closed for good, with what the reason says.
var ends = map[string]struct {
	close  func(t *testing.T, nc *nats.Conn, srv *server.Server, options server.Options)
	reason string
}{
	"by the program": {func(_ *testing.T, nc *nats.Conn, _ *server.Server, _ server.Options) { nc.Close() }, "connection closed"},
	"by a line that is too long": {func(t *testing.T, nc *nats.Conn, _ *server.Server, _ server.Options) {
		t.Helper()
		require.NoError(t, nc.Publish(strings.Repeat("x", 5000), nil))
	}, "maximum control line exceeded"},
	"by a limit that was lowered": {func(t *testing.T, nc *nats.Conn, srv *server.Server, options server.Options) {
		t.Helper()
		options.MaxPayload = 64 << 10
		require.NoError(t, srv.ReloadOptions(&options))
		require.NoError(t, nc.Publish("any", make([]byte, 100<<10)))
	}, "Maximum Payload Violation"},
}

// lingerer changes its state until the host gives it up.
type lingerer struct{ troupe.Ref }

func (lingerer) ActorType() string { return "lingerer" }

var linger = troupe.NewAction[lingerer, troupe.None, int]("linger")

func lingerers(began *atomic.Int64) actorhost.ActorType[lingerer, int] {
	return actorhost.Define(func() int { return 0 },
		actorhost.On(linger, actorhost.NoIn(func(n *int, c *actorhost.Context) (int, error) {
			*n++
			began.Add(1)
			<-c.Done()
			return *n, nil
		})))
}

func closable(t *testing.T) (*server.Server, server.Options) {
	t.Helper()
	options := server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 1 << 20,
	}
	given := options
	srv := bustest.Serve(t, &given)
	options.Port = given.Port
	return srv, options
}

// TestAHostEndsWithItsConnection: whoever supervises the process must learn that nothing comes back, at once and once.
func TestAHostEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, options := closable(t)
			quiet := bus.Config{URL: srv.ClientURL(), Logger: slog.New(slog.DiscardHandler)}
			nc, err := bus.Connect(t.Context(), quiet)
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			callers, err := bus.Connect(t.Context(), quiet)
			require.NoError(t, err)
			t.Cleanup(callers.Close)
			c, err := client.New(callers, client.Config{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })

			log, lingering := new(bustest.Log), new(atomic.Int64)
			host, err := actorhost.Start(t.Context(), nc,
				actorhost.Config{Grace: time.Hour, Logger: slog.New(slog.NewTextHandler(log, nil))}, counters(), lingerers(lingering))
			require.NoError(t, err)
			for i := range 20 {
				_, err := add.Call(t.Context(), troupe.GetOrCreate[counter](c, fmt.Sprint(i)), 1)
				require.NoError(t, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var waiting sync.WaitGroup
			t.Cleanup(waiting.Wait)
			t.Cleanup(cancel)
			for i := range 20 { // whose changes are not stored when the connection ends
				waiting.Go(func() { _, _ = linger.Call(ctx, troupe.GetOrCreate[lingerer](c, fmt.Sprint(i)), nil) })
			}
			require.Eventually(t, func() bool { return lingering.Load() == 20 }, 10*time.Second, time.Millisecond)
			before := log.String()
			end.close(t, nc, srv, options)
			within(t, host.Done())
			err = host.Stop(context.Background())
			require.ErrorIs(t, err, nats.ErrConnectionClosed)
			require.ErrorContains(t, err, end.reason)
			logged := strings.TrimPrefix(log.String(), before)
			require.Equal(t, 1, strings.Count(logged, "\n"), logged)
			require.Contains(t, logged, end.reason)

			err = actorhost.Run(t.Context(), nc, actorhost.Config{}, counters())
			require.ErrorIs(t, err, nats.ErrConnectionClosed)
		})
	}
}

// within waits for a channel to be closed, for much longer than it should take.
func within(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		require.Fail(t, "it has not ended")
	}
}

package bus_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestAServerThatVanishes: nobody says that it is gone, but another one answers.
func TestAServerThatVanishes(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]struct{ number, size int }{
		"while nothing is sent":            {},
		"while more is sent than it takes": {64, 1 << 20},
		"while much that is small is sent": {200_000, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := bustest.Serve(t, &server.Options{})
			echo, err := nats.Connect(srv.ClientURL())
			require.NoError(t, err)
			t.Cleanup(echo.Close)
			_, err = echo.Subscribe("echo", func(msg *nats.Msg) { _ = msg.Respond(nil) })
			require.NoError(t, err)
			require.NoError(t, echo.Flush())

			one, vanish := bustest.Vanishing(t, srv.Addr().String())
			two, vanishToo := bustest.Vanishing(t, srv.Addr().String())
			nc, err := bus.Connect(t.Context(), bus.Config{URL: one + "," + two, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			_, err = nc.Request("echo", nil, 10*time.Second)
			require.NoError(t, err)

			if nc.ConnectedAddr() == two {
				vanish = vanishToo
			}
			vanish()
			began := time.Now()
			for range sent.number {
				_ = nc.Publish("much", make([]byte, sent.size))
			}
			require.Eventually(t, func() bool {
				_, err := nc.Request("echo", nil, 100*time.Millisecond)
				return err == nil
			}, 20*time.Second, 10*time.Millisecond)
			t.Logf("back after %v", time.Since(began))
		})
	}
}

// TestServerForgetsWhoVanishes: what a program listens to that has vanished must not take the messages of others for long.
func TestServerForgetsWhoVanishes(t *testing.T) {
	t.Parallel()
	srv, err := bus.StartServer(bus.ServerConfig{Memory: true, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(srv.Shutdown)
	address, vanish := bustest.Vanishing(t, strings.TrimPrefix(srv.URL(), "nats://"))
	logger := slog.New(slog.DiscardHandler)
	gone, err := bus.Connect(t.Context(), bus.Config{URL: address, Logger: logger})
	require.NoError(t, err)
	t.Cleanup(gone.Close)
	_, err = gone.QueueSubscribe("asked", "group", func(msg *nats.Msg) { _ = msg.Respond(nil) })
	require.NoError(t, err)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: srv.URL(), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	require.Eventually(t, func() bool { _, err := nc.Request("asked", nil, time.Second); return err == nil }, 10*time.Second, 10*time.Millisecond)
	vanish()
	require.Eventually(t, func() bool {
		_, err := nc.Request("asked", nil, 100*time.Millisecond)
		return errors.Is(err, nats.ErrNoResponders)
	}, 20*time.Second, 100*time.Millisecond)
}

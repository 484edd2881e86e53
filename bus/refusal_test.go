package bus_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

func TestNoMoreConnections(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{MaxConn: 1})
	config := bus.Config{URL: srv.ClientURL(), Logger: slog.New(slog.DiscardHandler)}
	nc, err := bus.Connect(t.Context(), config)
	require.NoError(t, err)
	for range 20 {
		_, err = bus.Connect(t.Context(), config)
		require.ErrorContains(t, err, "maximum connections exceeded")
	}
	nc.Close()
	require.Eventually(t, func() bool {
		nc, err := bus.Connect(t.Context(), config)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
}

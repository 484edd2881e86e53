package actorhost_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestAHostWhoseServerVanishes serves calls again as soon as it has found another server.
func TestAHostWhoseServerVanishes(t *testing.T) {
	t.Parallel()
	takesLong(t)
	srv, _ := closable(t)
	one, vanish := bustest.Vanishing(t, srv.Addr().String())
	two, vanishToo := bustest.Vanishing(t, srv.Addr().String())
	logger := slog.New(slog.DiscardHandler)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: one + "," + two, Logger: logger})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	if nc.ConnectedAddr() == two {
		vanish = vanishToo
	}
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: logger}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	callers, err := bus.Connect(t.Context(), bus.Config{URL: srv.ClientURL(), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(callers.Close)
	c, err := client.New(callers, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })

	ref := troupe.GetOrCreate[counter](c)
	_, err = add.Call(t.Context(), ref, 1)
	require.NoError(t, err)
	vanish()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := add.Call(ctx, ref, 1)
	require.NoError(t, err)
	require.Equal(t, 2, got)
	t.Logf("back after %v", time.Since(began))
}

package store_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// TestWriteEndsWithItsConnection loses the acknowledgement of a write with the connection.
func TestWriteEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()}).ClientURL()
	var drop atomic.Bool // the client receives nothing any more
	conns := make(chan net.Conn, 16)
	proxy := bustest.Listen(t, func(conn net.Conn) {
		conns <- conn
		bustest.Forward(conn, strings.TrimPrefix(url, "nats://"), &drop)
	})
	nc, err := bus.Connect(t.Context(), bus.Config{URL: proxy})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	direct, err := bus.Connect(t.Context(), bus.Config{URL: url})
	require.NoError(t, err)
	t.Cleanup(direct.Close)
	records := openRecords(t, nc)
	others := openRecords(t, direct)

	id := bustest.NewID(t, "room", "lobby")
	drop.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // shorter than writeTimeout
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := records.Put(ctx, id, record.Record{Owner: "h1"})
		ended <- err
	}()
	require.Eventually(t, func() bool {
		found, err := others.Get(t.Context(), id)
		require.NoError(t, err)
		return found.Owner == "h1"
	}, 10*time.Second, time.Millisecond)
	drop.Store(false)
	require.NoError(t, (<-conns).Close())
	require.ErrorIs(t, <-ended, store.ErrOutcomeUnknown)
	require.NoError(t, ctx.Err(), "it was not the time that ran out")
}

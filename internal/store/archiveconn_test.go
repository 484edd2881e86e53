package store_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
)

// behindProxy connects through a proxy that loses what the server sends while drop is true. Conns are its connections.
func behindProxy(t *testing.T) (nc, direct *nats.Conn, drop *atomic.Bool, conns <-chan net.Conn) {
	t.Helper()
	url := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()}).ClientURL()
	drop = new(atomic.Bool)
	through := make(chan net.Conn, 16)
	proxy := bustest.Listen(t, func(conn net.Conn) {
		through <- conn
		bustest.Forward(conn, strings.TrimPrefix(url, "nats://"), drop)
	})
	connect := func(url string) *nats.Conn {
		nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	return connect(proxy), connect(url), drop, through
}

// startLost appends a block whose acknowledgement is lost, and others that wait for it.
func startLost(t *testing.T, a archive, direct *nats.Conn, drop *atomic.Bool) (lost <-chan appended, waiting []<-chan appended) {
	t.Helper()
	a.mustAppend(t, "one")
	drop.Store(true)
	lost = a.start(t, []byte("two"))
	require.Eventually(t, func() bool { return streams(t, direct)[answersStream] == 2 }, 10*time.Second, time.Millisecond)
	for range 10 {
		waiting = append(waiting, a.start(t, []byte("three")))
	}
	return lost, waiting
}

func TestArchiveIsClosedWhileBlocksWait(t *testing.T) {
	t.Parallel()
	nc, direct, drop, _ := behindProxy(t)
	a := newArchive(t, nc, time.Hour, 0)
	lost, waiting := startLost(t, a, direct, drop)
	a.Close()
	require.ErrorIs(t, (<-lost).err, store.ErrOutcomeUnknown)
	for _, outcome := range waiting {
		err := (<-outcome).err
		require.ErrorContains(t, err, "closed")
		require.NotErrorIs(t, err, store.ErrOutcomeUnknown)
		require.Empty(t, outcome, "done is called once")
	}
	require.Empty(t, lost)
}

func TestArchiveOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	nc, direct, drop, conns := behindProxy(t)
	a := newArchive(t, nc, time.Hour, 0)
	lost, waiting := startLost(t, a, direct, drop)
	drop.Store(false)
	require.NoError(t, (<-conns).Close())
	require.ErrorIs(t, (<-lost).err, store.ErrOutcomeUnknown)
	for _, outcome := range waiting { // sent when the connection is back
		one := <-outcome
		require.NoError(t, one.err)
		require.Equal(t, "three", string(a.read(t, one.ref)))
	}
	require.Equal(t, uint64(3), streams(t, direct)[answersStream])
}

// TestArchiveInACluster has an archive on each of three servers. A block can be read on all of them as soon as it is
// appended, though their replicas lag behind the leader.
func TestArchiveInACluster(t *testing.T) {
	t.Parallel()
	var archives []archive
	for _, url := range bustest.Cluster(t) {
		nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		archives = append(archives, newArchive(t, nc, time.Hour, 0))
	}
	var stored []<-chan appended
	for _, a := range archives {
		stored = append(stored, a.start(t, []byte("first")))
	}
	for _, outcome := range stored {
		require.NoError(t, (<-outcome).err)
	}
	require.Equal(t, 3, archives[0].info(t).Config.Replicas)
	for i := range 100 {
		ref := archives[i%3].mustAppend(t, fmt.Sprint(i))
		for _, a := range archives {
			require.Equal(t, fmt.Sprint(i), string(a.read(t, ref)))
			require.Equal(t, archives[0].made(t), a.made(t))
		}
	}
	require.ErrorIs(t, archives[1].unreadable(t, store.Ref{Sequence: 1000, Offset: 1}), store.ErrBeyondEnd)
}

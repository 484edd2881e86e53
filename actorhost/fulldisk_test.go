//go:build linux

package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
)

// smallDisk mounts a disk of a few megabytes, and returns where, and what makes it larger.
func smallDisk(t *testing.T) (dir string, grow func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir, func() { require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m")) }
}

// TestFullDisk fills the disk of a server, which does not answer writes then, and says why only in its log.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, grow := smallDisk(t)
	options := server.Options{Port: bustest.FreePort(t), JetStream: true, StoreDir: dir, JetStreamMaxStore: 1 << 30, NoLog: true}
	srv := bustest.Serve(t, options.Clone())
	s, way := &fullSystem{t: t}, system{t: t}
	s.client = way.client(way.connect(srv.ClientURL(), "any"), "")
	host, err := actorhost.Start(t.Context(), way.connect(srv.ClientURL(), "any"),
		actorhost.Config{Logger: slog.New(slog.NewTextHandler(&s.logged, nil))}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	require.NoError(t, call(t.Context(), add, s.ref(1), 7))

	const told = "the server cannot write to its disk: make room there"
	s.last = 1
	for err = nil; err == nil; s.last++ {
		began := time.Now()
		_, err = pad.Call(t.Context(), s.ref(s.last+1), padding)
		require.Less(t, time.Since(began), 10*time.Second)
	}
	s.last--
	require.ErrorContains(t, err, told)
	require.ErrorContains(t, err, "no space left on device")
	for range 30 {
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // beyond the lease, which the server counts
		began := time.Now()
		require.ErrorIs(t, s.tried(s.last), troupe.ErrOverloaded)
		require.Less(t, time.Since(began), 2*time.Second, "the caller is told at once")
		n, err := get.Call(t.Context(), s.ref(1), nil)
		require.NoError(t, err)
		require.Equal(t, 7, n)
	}
	require.Equal(t, 1, strings.Count(s.logged.String(), "level=WARN"), s.logged.String())
	require.Contains(t, s.logged.String(), told)

	grow()
	srv.Shutdown()
	srv.WaitForShutdown()
	bustest.Serve(t, options.Clone())
	require.Eventually(t, func() bool { return s.tried(s.last+1) == nil }, 20*time.Second, 50*time.Millisecond)
	for i := 2; i < s.last; i++ {
		size, err := padded.Call(t.Context(), s.ref(i), nil)
		require.NoError(t, err)
		require.Equal(t, padding, size, fmt.Sprint("what was acknowledged is there: ", i))
	}
	require.NoError(t, call(t.Context(), add, s.ref(1), 1))
	n, err := get.Call(t.Context(), s.ref(1), nil)
	require.NoError(t, err)
	require.Equal(t, 8, n)
	require.NoError(t, host.Stop(t.Context()))
}

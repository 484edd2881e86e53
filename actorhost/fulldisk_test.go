//go:build linux

package actorhost_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
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
	takesLong(t)
	dir, grow := smallDisk(t)
	options := server.Options{Port: bustest.FreePort(t), JetStream: true, StoreDir: dir, JetStreamMaxStore: 1 << 30, NoLog: true}
	srv := bustest.Serve(t, options.Clone())
	const told = "the server cannot write to its disk: make room there"
	s, host := fillServers(t, srv.ClientURL(), srv.ClientURL(), told, "no space left on device")
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
	s.hasRoom(20 * time.Second)
	require.NoError(t, host.Stop(t.Context()))
}

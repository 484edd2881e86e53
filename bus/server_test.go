package bus_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

// childDataDir turns the test binary into a program with an embedded server. It prints its URL once it has stored
// something, and then waits until it is killed.
const childDataDir = "TROUPE_TEST_CHILD_DATA"

func child(dir string) int {
	url, err := func() (string, error) {
		b, err := bus.Open(context.Background(), bus.Config{Server: bus.ServerConfig{DataDir: dir}})
		if err != nil {
			return "", err
		}
		return b.URL(), putKey(context.Background(), b.Conn())
	}()
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	runtime.GC() // the server keeps running, with its lock, when nobody references the Bus
	runtime.GC()
	fmt.Fprintln(os.Stdout, url)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent has died
	return 0
}

func putKey(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "test"})
	if err != nil {
		return err
	}
	_, err = kv.Put(ctx, "key", []byte("value"))
	return err
}

func requireKey(t *testing.T, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	kv, err := js.KeyValue(t.Context(), "test")
	require.NoError(t, err)
	entry, err := kv.Get(t.Context(), "key")
	require.NoError(t, err)
	require.Equal(t, "value", string(entry.Value()))
}

func TestDataSurvivesKill(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "by", "the", "server")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDataDir+"="+dir)
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSpace(line)
	require.Contains(t, url, "nats://127.0.0.1:")

	// While the process lives nobody else gets its data, and the error says how to join.
	_, err = bus.StartServer(bus.ServerConfig{DataDir: dir})
	require.ErrorIs(t, err, bus.ErrDataDirInUse)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, "NATS_URL="+url)
	require.ErrorContains(t, err, "TROUPE_DATA")
	joined, err := bus.Open(t.Context(), bus.Config{URL: url})
	require.NoError(t, err)
	requireKey(t, joined.Conn())
	require.NoError(t, joined.Close())

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	b, err := bus.Open(t.Context(), bus.Config{Server: bus.ServerConfig{DataDir: dir}})
	require.NoError(t, err)
	requireKey(t, b.Conn())
	require.NoError(t, b.Close())
}

func TestDataDirBelongsToOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := bus.StartServer(bus.ServerConfig{DataDir: dir, InProcessOnly: true, SyncAlways: true})
	require.NoError(t, err)
	t.Cleanup(first.Shutdown)
	require.Equal(t, dir, first.DataDir())
	_, err = bus.Open(t.Context(), bus.Config{Server: bus.ServerConfig{DataDir: dir}})
	require.ErrorIs(t, err, bus.ErrDataDirInUse)
	require.ErrorContains(t, err, "takes no connections")

	nc, err := first.Connect(bus.Config{})
	require.NoError(t, err)
	require.NoError(t, putKey(t.Context(), nc))
	nc.Close()
	first.Shutdown()
	first.Shutdown() // again
	second, err := bus.StartServer(bus.ServerConfig{DataDir: dir})
	require.NoError(t, err)
	t.Cleanup(second.Shutdown)
	nc, err = second.Connect(bus.Config{})
	require.NoError(t, err)
	requireKey(t, nc)
	nc.Close()
}

func TestMemoryLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // Windows
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, DataDir: "/not/used"})
	require.NoError(t, err)
	require.Empty(t, server.DataDir())
	nc, err := nats.Connect("", nats.InProcessServer(server.InProcess()))
	require.NoError(t, err)
	require.NoError(t, putKey(t.Context(), nc))
	requireKey(t, nc)
	nc.Close()
	server.Shutdown()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestServerListens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ listen, url string }{
		"default": {"", "nats://127.0.0.1:"},
		"name":    {"localhost:0", "nats://"},
		"all":     {":0", "nats://127.0.0.1:"},
		"all v4":  {"0.0.0.0:0", "nats://127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := bus.StartServer(bus.ServerConfig{Memory: true, Listen: test.listen})
			require.NoError(t, err)
			t.Cleanup(server.Shutdown)
			require.True(t, strings.HasPrefix(server.URL(), test.url), server.URL())
			nc, err := bus.Connect(t.Context(), bus.Config{URL: server.URL()})
			require.NoError(t, err)
			nc.Close()
		})
	}
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	require.Empty(t, server.URL())
}

func TestServerReportsThatThePortIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dir := t.TempDir()
	_, err = bus.Open(t.Context(), bus.Config{Server: bus.ServerConfig{DataDir: dir, Listen: l.Addr().String()}})
	require.ErrorIs(t, err, bus.ErrListen)
	if runtime.GOOS != "windows" {
		require.ErrorIs(t, err, syscall.EADDRINUSE)
	}
	require.ErrorContains(t, err, "set NATS_URL=nats://"+l.Addr().String()+" to join it")

	server, err := bus.StartServer(bus.ServerConfig{DataDir: dir})
	require.NoError(t, err, "the data directory is free again")
	server.Shutdown()
}

func TestServerRefusesOptions(t *testing.T) {
	t.Parallel()
	noJetStream := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(noJetStream, "jetstream"), nil, 0o600))
	noDir := filepath.Join(noJetStream, "jetstream")
	for name, test := range map[string]struct {
		config  bus.ServerConfig
		message string
	}{
		"listen":             {bus.ServerConfig{Memory: true, Listen: "4222"}, `"4222" is not host:port`},
		"sync interval":      {bus.ServerConfig{Memory: true, SyncInterval: -1}, "negative"},
		"no directory":       {bus.ServerConfig{DataDir: noDir}, noDir},
		"no directory in it": {bus.ServerConfig{DataDir: noJetStream}, "JetStream in " + noJetStream},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bus.StartServer(test.config)
			require.ErrorContains(t, err, test.message)
			require.NotErrorIs(t, err, bus.ErrListen)
		})
	}
}

func TestServerWarns(t *testing.T) {
	t.Parallel()
	log := new(bustest.Log)
	config := bus.Config{Logger: slog.New(slog.NewTextHandler(log, nil))}
	config.Server = bus.ServerConfig{Memory: true}
	b, err := bus.Open(t.Context(), config)
	require.NoError(t, err)
	require.Empty(t, log.String(), "a start is nothing to write home about")
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.URL(), "nats://"))
	require.NoError(t, err)
	_, err = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "level=ERROR") }, 10*time.Second, time.Millisecond)
	require.NoError(t, conn.Close())
	require.NoError(t, b.Close())
}

func TestDefaultDataDir(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_DATA_HOME", "")
	dir, err := bus.DefaultDataDir()
	require.NoError(t, err)
	program := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	require.Equal(t, program, filepath.Base(dir))
	if runtime.GOOS != "linux" {
		return
	}
	require.Equal(t, filepath.Join(home, ".local/share/troupe", program), dir)
	t.Setenv("XDG_DATA_HOME", "relative")
	dir, err = bus.DefaultDataDir()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(home, ".local/share/troupe", program), dir, "the XDG rules ignore it")

	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	b, err := bus.Open(t.Context(), bus.Config{})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(data, "troupe", program), b.DataDir())
	require.NoError(t, b.Close())

	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "")
	_, err = bus.Open(t.Context(), bus.Config{})
	require.ErrorContains(t, err, "set TROUPE_DATA")
}

// nats.go keeps timers in a pool of the process, and one that was made in a bubble must not be used outside. So this
// test is not parallel, and empties the pool.
func TestServerInVirtualTime(t *testing.T) {
	dropTimers := func() { // a pool survives one collection
		runtime.GC()
		runtime.GC()
	}
	dropTimers()
	t.Cleanup(dropTimers)
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		b, err := bus.Open(t.Context(), bus.Config{Server: bus.ServerConfig{Memory: true, InProcessOnly: true}})
		require.NoError(t, err)
		js, err := jetstream.New(b.Conn())
		require.NoError(t, err)
		kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "leases", LimitMarkerTTL: time.Minute})
		require.NoError(t, err)
		_, err = kv.Create(t.Context(), "host", nil, jetstream.KeyTTL(time.Hour))
		require.NoError(t, err)
		time.Sleep(time.Hour - time.Second) //nolint:forbidigo // virtual time
		_, err = kv.Get(t.Context(), "host")
		require.NoError(t, err)
		time.Sleep(2 * time.Second) //nolint:forbidigo // virtual time
		_, err = kv.Get(t.Context(), "host")
		require.ErrorIs(t, err, jetstream.ErrKeyNotFound)
		require.NoError(t, b.Close())
	})
	require.Less(t, time.Since(began), time.Minute)
}

func BenchmarkOpen(b *testing.B) {
	for name, config := range map[string]bus.ServerConfig{
		"memory":     {Memory: true},
		"in process": {Memory: true, InProcessOnly: true},
		"files":      {DataDir: b.TempDir()},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				opened, err := bus.Open(b.Context(), bus.Config{Server: config})
				require.NoError(b, err)
				b.StopTimer()
				require.NoError(b, opened.Close())
				b.StartTimer()
			}
		})
	}
}

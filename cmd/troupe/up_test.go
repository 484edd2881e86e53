package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// up starts a server with a data directory, and returns what it says first and the function that interrupts it.
func up(t *testing.T, args ...string) (said []string, interrupt func() (code int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"up"}, args...), terminal{out: write, err: t.Output()})
		_ = write.Close() // never fails
	}()
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		said = append(said, lines.Text())
		if strings.HasPrefix(lines.Text(), "For other") || strings.HasPrefix(lines.Text(), "{") {
			break
		}
	}
	return said, func() int { cancel(); return <-code }
}

func TestUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	said, interrupt := up(t, "--listen", "127.0.0.1:0", "--websocket", "127.0.0.1:0", "--data", dir, "--origin", "http://localhost:5173")
	require.Len(t, said, 7, "%q", said)
	require.Equal(t, "A NATS server with JetStream is up. Ctrl-C ends it.", said[0])
	url := strings.Fields(said[2])[1]
	require.Equal(t, "  NATS       "+url, said[2])
	require.Regexp(t, `^  WebSocket  ws://127\.0\.0\.1:\d+$`, said[3])
	require.Equal(t, "  data       "+dir, said[4])
	require.Equal(t, "For other terminals: export NATS_URL="+url, said[6])
	require.Equal(t, exitNotFound, at(url).run(t.Context(), "ls").code)

	nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
	require.NoError(t, err)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	require.NoError(t, records.Keep(t.Context(), 7))
	nc.Close()
	require.Zero(t, interrupt())
	require.Equal(t, exitUnavailable, at(url).run(t.Context(), "ls").code)

	said, interrupt = up(t, "--listen", "127.0.0.1:0", "--data", dir, "--json")
	var where struct{ URL, WebSocket, Data string }
	require.NoError(t, json.Unmarshal([]byte(said[0]), &where))
	require.Equal(t, dir, where.Data)
	require.Empty(t, where.WebSocket)
	require.Equal(t, "7\n", at(where.URL).run(t.Context(), "state", "keep").out, "it was kept")
	got := program{}.run(t.Context(), "up", "--listen", "127.0.0.1:0", "--data", dir)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "data directory in use")
	require.Zero(t, interrupt())
}

func TestUpRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	got := program{}.run(t.Context(), "up", "--memory", "--listen", taken.Addr().String())
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "error failed: starting a NATS server: cannot listen on "+taken.Addr().String())
	for _, args := range []string{"--listen 4222", "--websocket 8080", "--origin http://localhost"} {
		got := program{}.run(t.Context(), append([]string{"up", "--memory"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, got.code, args)
	}
}

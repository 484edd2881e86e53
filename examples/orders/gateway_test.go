package main

import (
	"bufio"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

// TestCurl runs the lines of the README that reach the actors by HTTP.
func TestCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		stagetest.Lacking(t, "curl is not installed: apt-get install curl")
	}
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	b := hosttest.Start(t, actors...)
	g, err := gateway.New(gateway.Config{
		Anonymous: true, Connect: func(context.Context, gateway.Credentials) (*nats.Conn, error) { return b.Connect(), nil },
	})
	require.NoError(t, err)
	server := httptest.NewServer(g)
	t.Cleanup(func() { require.NoError(t, g.Close(context.Background())); server.Close() })
	var lines []string
	for line := range strings.Lines(string(readme)) {
		if line, _, _ = strings.Cut(line, " #"); strings.HasPrefix(line, "    curl ") {
			lines = append(lines, strings.ReplaceAll(strings.TrimSpace(line), "http://127.0.0.1:7421", server.URL))
		}
	}
	require.Len(t, lines, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	events := exec.CommandContext(ctx, "curl", strings.Fields(lines[1])[1:]...)
	out, err := events.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, events.Start())
	defer func() { cancel(); _ = events.Wait() }() // it was ended
	heard := bufio.NewScanner(out)
	require.True(t, heard.Scan(), "the stream has begun")
	said, err := exec.CommandContext(t.Context(), "curl", append([]string{"--fail-with-body", "-sS"}, strings.Fields(lines[0])[1:]...)...).CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.JSONEq(t, `{"reserved":5}`, string(said))
	for heard.Scan() && heard.Text() != "event: reserved" {
		continue
	}
	require.Equal(t, "event: reserved", heard.Text())
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestWrongSettingsAreUsage: nothing was tried, and nothing changes by trying again.
func TestWrongSettingsAreUsage(t *testing.T) {
	t.Parallel()
	broken := func(content string) string {
		file := filepath.Join(t.TempDir(), "context.json")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		return file
	}
	missing := filepath.Join(t.TempDir(), "missing")
	for name, flags := range map[string][]string{
		"scheme":                 {"--server", "http://127.0.0.1"},
		"port":                   {"--server", "nats://127.0.0.1:port"},
		"no such context":        {"--context", "no-such-context-of-troupe"},
		"broken context":         {"--context", broken("{")},
		"wrong URL in a context": {"--context", broken(`{"url":"nats://127.0.0.1:port"}`)},
		"no such credentials":    {"--creds", missing},
		"no authorities":         {"--tlsca", missing},
		"namespace":              {"--namespace", "a.b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := program{}.run(t.Context(), append([]string{"ls"}, flags...)...)
			require.Equal(t, exitUsage, got.code, got.err)
			require.Empty(t, got.out)
		})
	}
}

func TestWrongPasswordIsDenied(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{Users: []*server.User{{Username: "u", Password: "p"}}})
	got := at(srv.ClientURL()).run(t.Context(), "ls", "--user", "u", "--password", "q")
	require.Equal(t, exitFailed, got.code, got.err)
	require.Contains(t, got.err, "error denied: ")
}

func TestNoJetStream(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, new(server.Options)).ClientURL()
	for _, verb := range [][]string{{"ls"}, {"hosts"}, {"info", "room", "a"}} {
		got := at(url).run(t.Context(), verb...)
		require.Equal(t, exitFailed, got.code, got.err)
		require.Contains(t, got.err, "error no_jetstream: the NATS server has no JetStream")
		require.Contains(t, got.err, "nats-server -js")
	}
}

func TestNobodyIsUp(t *testing.T) {
	t.Parallel()
	p := at(startServer(t).URL())
	require.Equal(t, result{exitNotFound, "", "error not_found: no host is up in the namespace troupe\n"}, p.run(t.Context(), "hosts"))
}

func TestInterruptedBeforeThereWasAResult(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, verb := range [][]string{{"bench", "room", "a", "add", "1"}, {"ls"}, {"call", "room", "a", "add", "1"}} {
		got := p.run(ctx, verb...)
		require.Equal(t, exitInterrupted, got.code, "%s %s", verb, got.err)
		require.Contains(t, got.err, "error canceled: ")
	}
}

package main

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

func TestDenied(t *testing.T) {
	t.Parallel()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		Users: []*server.User{{Username: "ann", Password: "secret", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Deny: []string{"troupe.>"}},
			Subscribe: &server.SubjectPermission{Deny: []string{"troupe.>"}},
		}}},
	})
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	require.True(t, srv.ReadyForConnections(10*time.Second))
	p := at(srv.ClientURL())

	for _, args := range [][]string{{"call", "room", "a", "add", "1", "--timeout", "10m"}, {"watch", "room", "a"}} {
		got := p.run(t.Context(), append(args, "--user", "ann", "--password", "secret")...)
		require.Equal(t, exitFailed, got.code, got.err)
		require.Contains(t, got.err, "error denied: ")
		require.Contains(t, got.err, "troupe.")

		got = p.run(t.Context(), append(args, "--user", "ann", "--password", "guess")...)
		require.Equal(t, exitFailed, got.code, got.err)
		require.Contains(t, got.err, "Authorization")
	}
	got := p.run(t.Context(), "ls", "--user", "ann", "--password", "secret")
	require.Equal(t, exitFailed, got.code, got.err)
	require.Contains(t, got.err, "has no JetStream")
}

package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

// lookups are verbs that ask JetStream, with so much time that only a word of it can end them soon.
var lookups = [][]string{
	{"hosts", "--timeout", "10m"}, {"ls", "--timeout", "10m"}, {"info", "room", "a", "--timeout", "10m"},
	{"state", "get", "room", "a", "--timeout", "10m"},
}

// runSoon fails if a verb does not end within a second.
func runSoon(t *testing.T, p program, args ...string) result {
	t.Helper()
	began := time.Now()
	got := p.run(t.Context(), args...)
	require.Less(t, time.Since(began), time.Second, got.err)
	return got
}

func TestJetStreamIsDenied(t *testing.T) {
	t.Parallel()
	deny := func(subjects ...string) *server.Permissions {
		return &server.Permissions{Publish: &server.SubjectPermission{Deny: subjects}}
	}
	srv := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Users: []*server.User{
		{Username: "host", Password: "p"},
		{Username: "nobody", Password: "p", Permissions: deny("$JS.>")},
		{Username: "reader", Password: "p", Permissions: deny("$JS.API.CONSUMER.>", "$JS.API.DIRECT.>")},
	}})
	nc, err := bus.Connect(t.Context(), bus.Config{URL: srv.ClientURL(), User: "host", Password: "p"})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, rooms())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	for user, subject := range map[string]string{"nobody": "$JS.API.STREAM.INFO.KV_troupe-", "reader": "$JS.API."} {
		for _, args := range lookups {
			got := runSoon(t, at(srv.ClientURL()), append(args, "--user", user, "--password", "p")...)
			require.Equal(t, exitFailed, got.code, got.err)
			require.Contains(t, got.err, "error denied: NATS does not allow this user to publish to \""+subject)
		}
	}
}

// TestNoQuorum asks the last of three servers.
func TestNoQuorum(t *testing.T) {
	t.Parallel()
	var servers []*server.Server
	for _, config := range bustest.ClusterConfig(t) {
		servers = append(servers, bustest.Serve(t, config))
	}
	nc, err := bus.Connect(t.Context(), bus.Config{URL: servers[0].ClientURL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, rooms())
	require.NoError(t, err)
	require.NoError(t, host.Stop(t.Context()))
	for _, srv := range servers[1:] {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	p := at(servers[0].ClientURL())
	require.Eventually(t, func() bool { return p.run(t.Context(), "ls").code == exitUnavailable }, 30*time.Second, 100*time.Millisecond)
	for _, args := range lookups[:2] { // the others read what the last server has
		require.Eventually(t, func() bool { // for some seconds the server does not know that it is the last, and answers
			got := p.run(t.Context(), args...)
			return got.code == exitUnavailable && strings.Contains(got.err, "error unavailable: listing the hosts: listing the bucket troupe-hosts: JetStream has no quorum: ")
		}, 30*time.Second, 100*time.Millisecond)
		runSoon(t, p, args...)
	}
}

package client_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

func connected(t *testing.T, url, user string) (*nats.Conn, *client.Client) {
	t.Helper()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: url, User: user, Password: "p", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = cl.Close(t.Context()) })
	return nc, cl
}

// TestTooManySubscriptions subscribes more often than the server allows.
func TestTooManySubscriptions(t *testing.T) {
	t.Parallel()
	const most = 5
	srv := bustest.Serve(t, &server.Options{MaxSubs: most})
	nc, cl := connected(t, srv.ClientURL(), "any")
	var subs []troupe.Subscription
	var err error
	for i := 0; err == nil && i < 2*most; i++ {
		var sub troupe.Subscription
		if sub, err = flashed.Subscribe(t.Context(), troupe.GetOrCreate[beacon](cl, fmt.Sprint(i)), hearNothing); err == nil {
			subs = append(subs, sub)
		}
	}
	require.ErrorIs(t, err, troupe.ErrOverloaded)
	require.ErrorContains(t, err, "subscribing to flashed of beacon/3: the NATS connection has as many subscriptions as it may")
	require.Len(t, subs, most-2) // one is for replies, one for word that records were replaced
	require.Equal(t, most, nc.NumSubscriptions())

	require.NoError(t, subs[0].Unsubscribe())
	_, err = flashed.Subscribe(t.Context(), troupe.GetOrCreate[beacon](cl, "b"), hearNothing)
	require.NoError(t, err)

	_, err = client.New(nc, client.Config{})
	require.ErrorIs(t, err, troupe.ErrOverloaded)
}

// TestDisconnectedIsSaid calls and subscribes without a server.
func TestDisconnectedIsSaid(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{})
	nc, cl := connected(t, srv.ClientURL(), "any")
	lost := nc.StatusChanged(nats.RECONNECTING)
	srv.Shutdown()
	<-lost
	ref := troupe.GetOrCreate[beacon](cl, "a")
	_, called := flash.Call(t.Context(), ref, 1)
	require.ErrorIs(t, called, troupe.ErrUnavailable)
	var replayed error
	for _, err := range cl.Replay(t.Context(), ref.ID(), "flashed", troupe.ReplayStart{}) {
		replayed = err
	}
	for _, err := range []error{called, replayed} {
		require.ErrorContains(t, err, "disconnected from NATS")
		require.NotContains(t, err.Error(), "outbound buffer")
	}
}

// TestReplayIsDenied replays as a user who may not read the log.
func TestReplayIsDenied(t *testing.T) {
	t.Parallel()
	for _, denied := range []string{"$JS.API.STREAM.INFO.troupe-events", "$JS.API.DIRECT.GET.troupe-events"} {
		srv := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Users: []*server.User{
			{Username: "host", Password: "p"},
			{Username: "any", Password: "p", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{denied}}}},
		}})
		nc, _ := connected(t, srv.ClientURL(), "host")
		js, err := nc.JetStream()
		require.NoError(t, err)
		_, err = js.AddStream(&nats.StreamConfig{Name: "troupe-events", Subjects: []string{"troupe.log.>"}, AllowDirect: true})
		require.NoError(t, err)
		_, cl := connected(t, srv.ClientURL(), "any")
		began := time.Now()
		var replayed error
		for _, err := range cl.Replay(t.Context(), troupe.GetOrCreate[beacon](cl, "a").ID(), "flashed", troupe.ReplayStart{}) {
			replayed = err
		}
		require.ErrorIs(t, replayed, troupe.ErrDenied)
		require.ErrorContains(t, replayed, denied)
		require.Less(t, time.Since(began), time.Second)
	}
}

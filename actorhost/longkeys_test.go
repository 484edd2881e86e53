package actorhost_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A giant has the longest names of all.
type giant struct{ troupe.Ref }

var longest = strings.Repeat("n", troupe.MaxNameBytes)

func (giant) ActorType() string { return longest }

var (
	grow     = troupe.NewAction[giant, troupe.None, int](longest)
	grown    = troupe.NewDurableEvent[giant, int](longest)
	ogle     = troupe.NewAction[giant, []string, troupe.None]("ogle")
	ogled    = troupe.NewAction[giant, troupe.None, int]("ogled")
	visiting = troupe.NewConnector[giant, troupe.None]()
)

type giantState struct{ Size, Seen int }

func giants() actorhost.ActorType[giant, giantState] {
	return actorhost.Define(func() giantState { return giantState{} },
		actorhost.On(grow, actorhost.NoIn(func(s *giantState, c *actorhost.Context) (int, error) {
			s.Size++
			return s.Size, grown.Broadcast(c, s.Size)
		})),
		actorhost.On(ogle, actorhost.NoOut(func(_ *giantState, c *actorhost.Context, key []string) error {
			return grown.SubscribeDurable(c, troupe.GetOrCreate[giant](c, key...))
		})),
		actorhost.On(ogled, actorhost.NoIn(func(s *giantState, _ *actorhost.Context) (int, error) { return s.Seen, nil })),
		actorhost.OnConnect(visiting, func(*giantState, *actorhost.Context, *actorhost.Connection, troupe.None) error { return nil }),
	).OnEvents(actorhost.OnEvent(grown, func(s *giantState, _ *actorhost.Context, _ int) error { s.Seen++; return nil }))
}

// TestTheLongestKeys: whatever one does with them, no server may close a connection for it.
func TestTheLongestKeys(t *testing.T) {
	t.Parallel()
	srv, _ := closable(t)
	var all []*nats.Conn
	connect := func() *nats.Conn {
		nc, err := bus.Connect(t.Context(), bus.Config{
			URL: srv.ClientURL(), InboxPrefix: strings.Repeat("i", 233), Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		all = append(all, nc)
		return nc
	}
	for range 2 { // each forwards to the other
		host, err := actorhost.Start(t.Context(), connect(), actorhost.Config{Namespace: longest}, giants())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	}
	c, err := client.New(connect(), client.Config{Namespace: longest})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })

	key := strings.Split(strings.Repeat(strings.Repeat("\u5b57", 21)+"?|", troupe.MaxKeyParts), "|")[:troupe.MaxKeyParts]
	far := troupe.GetOrCreate[giant](c, key...)
	heard := make(chan int, 8)
	conn, err := visiting.Connect(t.Context(), far, nil, grown.On(func(_ context.Context, n int) error { heard <- n; return nil }))
	require.NoError(t, err)
	for n := range 2 {
		got, err := grow.Call(troupe.WithRequestID(t.Context(), strings.Repeat("r", 200)+string(rune('0'+n))), conn.Actor(), nil)
		require.NoError(t, err)
		require.Equal(t, n+1, got)
		require.Equal(t, got, <-heard)
	}
	replayed := 0
	for _, err := range grown.Replay(t.Context(), far, troupe.ReplayStart{}) {
		require.NoError(t, err)
		replayed++
	}
	require.Equal(t, 2, replayed)

	near := troupe.GetOrCreate[giant](c, "near")
	require.NoError(t, call(t.Context(), ogle, near, key))
	require.ErrorIs(t, call(t.Context(), ogle, far, key), troupe.ErrTooLarge, "a subject has no room for two such keys")
	require.NoError(t, call(t.Context(), ogle, far, []string{"near"}))
	for _, one := range []giant{far, near} {
		_, err = grow.Call(t.Context(), one, nil)
		require.NoError(t, err)
	}
	for _, one := range []giant{far, near} {
		require.Eventually(t, func() bool {
			n, err := ogled.Call(t.Context(), one, nil)
			return err == nil && n == 1
		}, 30*time.Second, 10*time.Millisecond)
	}
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, c.Actor(longest, key...).Call(t.Context(), troupe.DestroyAction, nil, nil))
	for _, nc := range all {
		require.True(t, nc.IsConnected())
		require.Zero(t, nc.Stats().Reconnects)
	}
}

package presence_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/clock"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestMain(m *testing.M) { bustest.Main(m) }

// The server may have come back with older records. The lease alone does not tell: it is as it was.
func TestLeaseCountsAfterAReconnectOnlyForTheSameRecords(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	var older atomic.Bool
	var running sync.WaitGroup
	ctx, end := context.WithCancel(context.Background())
	c := presence.Config{
		Conn: nc, Namespace: ns, Clock: clock.Start(), Logger: slog.New(slog.DiscardHandler), Types: []string{"room"}, Lease: time.Minute,
		Inbox: make(chan *nats.Msg, 16), ServiceRequests: make(chan *nats.Msg, 16),
		Ctx: ctx, UntilStop: ctx, Go: running.Go, Evict: func() {},
		Verify: func(context.Context) error {
			if older.Load() {
				older.Store(false)
				return store.ErrConflict
			}
			return nil
		},
	}
	c.Requester, err = rpc.NewRequester(nc)
	require.NoError(t, err)
	c.Records, err = store.OpenRecords(ctx, nc, ns, store.Settings{})
	require.NoError(t, err)
	c.Journals, err = store.OpenJournals(ctx, c.Records, ns, store.Settings{}, false)
	require.NoError(t, err)
	c.Leases, err = store.OpenHosts(ctx, nc, ns, store.Settings{})
	require.NoError(t, err)
	p := presence.New(c)
	first, err := p.Join(ctx)
	require.NoError(t, err)
	running.Go(p.Keep)
	t.Cleanup(func() {
		end()
		running.Wait()
		require.NoError(t, p.Session().End(context.Background()))
		require.NoError(t, c.Requester.Close())
		require.NoError(t, c.Records.Close())
		p.Close()
	})

	reconnect := func() {
		t.Helper()
		require.NoError(t, nc.ForceReconnect())
		require.Eventually(t, func() bool { return p.Session().Valid() }, 10*time.Second, time.Millisecond)
	}
	reconnect()
	require.Same(t, first, p.Session(), "the records are the same")
	older.Store(true)
	reconnect()
	require.NotEqual(t, first.ID, p.Session().ID)
	require.False(t, first.Valid())

	second := p.Session()
	reconnect() // renews the lease
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(ctx, "KV_troupe-hosts"))
	leases, err := store.OpenHosts(ctx, nc, ns, store.Settings{})
	require.NoError(t, err)
	_, err = leases.Renew(ctx, store.HostEntry{ID: second.ID}, 0, time.Minute)
	require.NoError(t, err)
	reconnect()
	require.NotEqual(t, second.ID, p.Session().ID, "the lease is of another time")
}

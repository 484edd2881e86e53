package presence_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/clock"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestMain(m *testing.M) { bustest.Main(m) }

// join starts a presence that keeps its lease.
func join(t *testing.T, nc *nats.Conn, verify func(context.Context) error) *presence.Presence {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	var running sync.WaitGroup
	ctx, end := context.WithCancel(context.Background())
	c := presence.Config{
		Conn: nc, Control: nc, Namespace: ns, Clock: clock.Start(), Logger: slog.New(slog.DiscardHandler), Types: []string{"room"}, Lease: time.Minute,
		Inbox: make(chan *nats.Msg, 16), ServiceRequests: make(chan *nats.Msg, 16),
		Ctx: ctx, UntilStop: ctx, Go: running.Go, Evict: func() {}, Lapse: func(bool) {}, Verify: verify,
	}
	c.Requester, err = rpc.NewRequester(nc)
	require.NoError(t, err)
	c.Asker = c.Requester
	c.Records, err = store.OpenRecords(ctx, nc, ns, store.Settings{})
	require.NoError(t, err)
	c.Journals, err = store.OpenJournals(ctx, c.Records, ns, store.Settings{}, false)
	require.NoError(t, err)
	c.Leases, err = store.OpenHosts(ctx, nc, ns, store.Settings{})
	require.NoError(t, err)
	p := presence.New(c)
	_, err = p.Join(ctx)
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
	return p
}

// The server may have come back with older records. The lease alone does not tell: it is as it was.
func TestLeaseCountsAfterAReconnectOnlyForTheSameRecords(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	var older atomic.Bool
	p := join(t, nc, func(context.Context) error {
		if older.CompareAndSwap(true, false) {
			return store.ErrConflict
		}
		return nil
	})
	first := p.Session()

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
	require.NoError(t, js.DeleteStream(t.Context(), "KV_troupe-hosts"))
	leases, err := store.OpenHosts(t.Context(), nc, p.Namespace, store.Settings{})
	require.NoError(t, err)
	_, err = leases.Renew(t.Context(), store.HostEntry{ID: second.ID}, 0, time.Minute)
	require.NoError(t, err)
	reconnect()
	require.NotEqual(t, second.ID, p.Session().ID, "the lease is of another time")
}

// What a host says of a store that has just been replaced may be late. A store that is there says so again.
func TestHostIsDisplacedByAStoreThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bustest.DropTimers(t)
		p := join(t, bustest.Connect(t), func(context.Context) error { return nil })
		var displaced atomic.Int32
		hear := func(host string, made time.Time) {
			body, err := codec.MsgPack.Append(nil, map[string]any{"host": host, "name": "far", "domain": "leaf", "created": made})
			require.NoError(t, err)
			p.HeardStore(&wire.Message{Data: body}, false, func(error) { displaced.Add(1) })
			time.Sleep(2 * time.Second) //nolint:forbidigo // virtual time
			synctest.Wait()
		}
		old := time.Now().Add(-time.Hour)
		hear("a", old)
		require.Zero(t, displaced.Load(), "it may have been told by mistake")
		hear("b", old.Add(time.Minute))
		require.Zero(t, displaced.Load(), "that is another")
		hear("b", old.Add(time.Minute))
		require.EqualValues(t, 1, displaced.Load())
		young := time.Now().Add(time.Hour)
		hear("c", young)
		hear("c", young)
		require.EqualValues(t, 1, displaced.Load(), "the younger store gives way")
	})
}

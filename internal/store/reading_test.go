package store_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestReadEndsWithItsConnection loses a server that has a request and has not replied: the reply never comes.
func TestReadEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	source := bustest.NewID(t, "room", "a")
	type opened struct {
		log     *store.Log
		index   *store.Subscriptions
		hosts   *store.Hosts
		records *store.Records
	}
	for name, read := range map[string]func(context.Context, opened) error{
		"a record": func(ctx context.Context, o opened) error { _, err := o.records.Get(ctx, source); return err },
		"the last event": func(ctx context.Context, o opened) error {
			_, _, err := o.log.Last(ctx, source, "said")
			return err
		},
		"a page of events": func(ctx context.Context, o opened) error {
			for _, err := range o.log.Read(ctx, source, "said", 0, time.Time{}) {
				return err
			}
			return nil
		},
		"the first event": func(ctx context.Context, o opened) error {
			_, err := o.log.SeekPosition(ctx, source, "said", troupe.Position{})
			return err
		},
		"who subscribes": func(ctx context.Context, o opened) error { _, err := o.index.Of(ctx, source, "said"); return err },
		"whose turn it is": func(ctx context.Context, o opened) error {
			_, _, err := o.index.Turn().Take(ctx, "host", 1, time.Second, func(context.Context, string) bool { return false })
			return err
		},
		"the marks":       func(ctx context.Context, o opened) error { _, err := o.index.MayBeUnsent(ctx); return err },
		"how many are up": func(ctx context.Context, o opened) error { _, err := o.hosts.Count(ctx); return err },
		"all who are up":  func(ctx context.Context, o opened) error { _, err := o.hosts.All(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()})
			var silent atomic.Bool
			at := srv.Addr().String()
			address := bustest.Listen(t, func(conn net.Conn) { bustest.Forward(conn, at, &silent) })
			nc, err := nats.Connect("nats://"+address, nats.ReconnectBufSize(-1), nats.MaxReconnects(-1))
			require.NoError(t, err)
			defer nc.Close()
			ns, err := wire.NewNamespace("")
			require.NoError(t, err)
			var o opened
			o.log, o.index, err = store.NewEventLog(nc, ns, store.Settings{}).Open(t.Context())
			require.NoError(t, err)
			o.hosts, err = store.OpenHosts(t.Context(), nc, ns, store.Settings{})
			require.NoError(t, err)
			o.records, err = store.OpenRecords(t.Context(), nc, ns, store.Settings{})
			require.NoError(t, err)

			requests := func() int64 {
				varz, err := srv.Varz(nil)
				require.NoError(t, err)
				return varz.InMsgs
			}
			silent.Store(true)
			before, ended := requests(), make(chan error, 1)
			go func() { ended <- read(t.Context(), o) }()
			require.Eventually(t, func() bool { return requests() > before }, 10*time.Second, time.Millisecond)
			srv.Shutdown()
			require.ErrorIs(t, <-ended, context.Canceled, "it has not waited until its time was over")
		})
	}
}

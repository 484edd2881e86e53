package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestManyChangesAtATime has so many actors change at the same moment that the changes go to the journal of their host, which
// then goes, or puts the actors to sleep. Each has all that was acknowledged, and no more than was asked for.
func TestManyChangesAtATime(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(b *hosttest.Bus, host *actorhost.Host, actor counter) error{
		"host is killed": func(b *hosttest.Bus, host *actorhost.Host, _ counter) error { b.Kill(host); return nil },
		"host stops":     func(b *hosttest.Bus, host *actorhost.Host, _ counter) error { b.Stop(host); return nil },
		"actors sleep": func(b *hosttest.Bus, _ *actorhost.Host, actor counter) error {
			err := b.Client.Invoke(context.Background(), troupe.Invocation{ID: actor.ID(), Action: troupe.SleepAction})
			if errors.Is(err, troupe.ErrNotFound) { // which it does already
				return nil
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const actors, calls = 200, 40
			b := hosttest.Start(t)
			host := b.Host(counters())
			b.Host(counters())
			refs := make([]counter, actors)
			for i := range refs {
				refs[i] = troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i))
			}
			var all errgroup.Group
			for i, ref := range refs {
				all.Go(func() error {
					for n := range calls {
						if n == calls/2 && (i == 0 || name == "actors sleep") {
							if err := happens(b, host, ref); err != nil {
								return err
							}
						}
						if err := call(t.Context(), add, ref, 1); err != nil {
							return err
						}
					}
					return nil
				})
			}
			require.NoError(t, all.Wait())
			require.Greater(t, journaled(t, b), uint64(20))
			for _, ref := range refs {
				got, err := get.Call(t.Context(), ref, nil)
				require.NoError(t, err)
				require.Equal(t, calls, got)
			}
			requireStored(t, b, refs, calls)
		})
	}
}

// journaled is how many messages have been written to the journals.
func journaled(t *testing.T, b *hosttest.Bus) uint64 {
	t.Helper()
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "troupe-journal")
	require.NoError(t, err)
	return stream.CachedInfo().State.LastSeq
}

// requireStored waits until the records have all that the journals had.
func requireStored(t *testing.T, b *hosttest.Bus, refs []counter, value int) {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	for _, ref := range refs {
		require.Eventually(t, func() bool {
			record, err := records.Get(t.Context(), ref.ID())
			require.NoError(t, err)
			var state counterState
			require.NoError(t, codec.MsgPack.Unmarshal(record.State, &state))
			return state.Value == value
		}, 10*time.Second, 10*time.Millisecond)
	}
}

// TestJournalFollowsTheServer: a message of the journal is no larger than the server takes.
func TestJournalFollowsTheServer(t *testing.T) {
	t.Parallel()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: bustest.Serve(t, &server.Options{
		JetStream: true, StoreDir: t.TempDir(), MaxPayload: 128 << 10,
	}).ClientURL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	c, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	var calls errgroup.Group
	for i := range 300 {
		calls.Go(func() error {
			for range 3 {
				if err := call(t.Context(), pad, troupe.GetOrCreate[counter](c, fmt.Sprint(i)), 20<<10); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, calls.Wait())
}

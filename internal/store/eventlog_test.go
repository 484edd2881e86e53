package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

func newEventLog(t *testing.T, nc *nats.Conn) *store.EventLog {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	return store.NewEventLog(nc, ns, store.Settings{KeepEvents: time.Hour})
}

// streams maps the name of each stream to its number of messages.
func streams(t *testing.T, nc *nats.Conn) map[string]uint64 {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	all := make(map[string]uint64)
	lister := js.ListStreams(t.Context())
	for info := range lister.Info() {
		all[info.Config.Name] = info.State.Msgs
	}
	require.NoError(t, lister.Err())
	return all
}

func TestEventLogIsOpenedWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	log := newEventLog(t, nc)
	require.Empty(t, streams(t, nc))
	var opening errgroup.Group
	logs := make([]*store.Log, 8)
	for i := range logs {
		opening.Go(func() (err error) {
			logs[i], _, err = log.Open(t.Context())
			return err
		})
	}
	require.NoError(t, opening.Wait())
	require.Len(t, slices.Compact(logs), 1, "all of them have the same")
	require.NoError(t, log.Try(t.Context(), bustest.NewID(t, "press", "times")))
	require.Equal(t, map[string]uint64{"troupe-events": 0, "KV_troupe-subscriptions": 0}, streams(t, nc), "a try leaves nothing")
}

func TestMarkOfUnsentEvents(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	log := newEventLog(t, nc)
	times, post := bustest.NewID(t, "press", "times"), bustest.NewID(t, "press", "post")
	marks := func() (all []troupe.ID) {
		_, index, err := log.Open(t.Context())
		require.NoError(t, err)
		hosts, err := index.UnsentHosts(t.Context(), "*")
		require.NoError(t, err)
		actors, err := index.UnsentOf(t.Context(), "host")
		require.NoError(t, err)
		for _, mark := range append(hosts, actors...) {
			require.Equal(t, "host", mark.Host)
			all = append(all, mark.ID)
		}
		return all
	}
	first, second := log.Mark("host", times), log.Mark("host", post)
	require.NoError(t, first.Remove(t.Context()), "which is not made")
	require.Empty(t, marks())
	for range 2 {
		require.NoError(t, first.Make(t.Context()))
		require.Equal(t, []troupe.ID{{}, times}, marks(), "the host has one too, which is there before")
	}
	require.NoError(t, second.Make(t.Context()))
	require.NoError(t, first.Remove(t.Context()))
	require.Equal(t, []troupe.ID{{}, post}, marks())

	again := log.Mark("host", post) // of the next activation, when the last one could not remove its mark
	require.NoError(t, again.Make(t.Context()))
	require.NoError(t, second.Remove(t.Context()))
	require.Equal(t, []troupe.ID{{}, post}, marks())
}

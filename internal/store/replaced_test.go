package store_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
)

// What only the journal had is in memory still. It gets into the records, and later changes into the journal again.
func TestJournalBeginsAnewWhenItsStreamIsLost(t *testing.T) {
	t.Parallel()
	o := newOwner(t, startServer(t), "owner", 20)
	grow := func() {
		t.Helper()
		var growing errgroup.Group
		for _, a := range o.actors {
			growing.Go(a.grow)
		}
		require.NoError(t, growing.Wait())
	}
	grow()
	require.NotZero(t, groups(t, o.nc, o.name))
	js, err := jetstream.New(o.nc)
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-journal"))
	replaced, err := o.all.Check(t.Context())
	require.NoError(t, err)
	require.NotNil(t, replaced)
	o.journal.Replaced()

	require.Eventually(t, func() bool {
		for _, a := range o.actors {
			if _, behind := a.stored(); behind {
				return false
			}
		}
		return true
	}, 10*time.Second, time.Millisecond)
	for _, a := range o.actors {
		found, err := o.records.Get(t.Context(), a.id)
		require.NoError(t, err)
		require.EqualValues(t, 1, numberOf(found))
	}
	require.Eventually(t, func() bool {
		grow()
		return groups(t, o.nc, o.name) > 0
	}, 10*time.Second, time.Millisecond)
}

// The hosts of a namespace notice together that the index is another. One of them enters the subscriptions again.
func TestOneHostEntersSubscriptionsAgain(t *testing.T) {
	t.Parallel()
	connect := bustest.Start(t)
	var hosts []*store.EventLog
	var indexes []*store.Subscriptions
	for range 3 {
		log := newEventLog(t, connect())
		_, index, err := log.Open(t.Context())
		require.NoError(t, err)
		hosts, indexes = append(hosts, log), append(indexes, index)
	}
	js, err := jetstream.New(connect())
	require.NoError(t, err)
	for range 2 { // that one has begun before does not count the second time
		require.NoError(t, js.DeleteStream(t.Context(), "KV_troupe-subscriptions"))
		began := 0
		for i, log := range hosts {
			_, replaced, err := log.Check(t.Context())
			require.NoError(t, err)
			require.NotNil(t, replaced)
			if err := indexes[i].BeginReindex(t.Context(), replaced); err == nil {
				began++
			} else {
				require.ErrorIs(t, err, store.ErrConflict)
			}
		}
		require.Equal(t, 1, began)
	}

	require.NoError(t, js.DeleteStream(t.Context(), "KV_troupe-subscriptions"))
	_, _, err = hosts[0].Check(t.Context())
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "$KV.troupe-subscriptions._reindex", []byte("what was put back"))
	require.NoError(t, err)
	_, replaced, err := hosts[1].Check(t.Context())
	require.NoError(t, err)
	require.NoError(t, indexes[1].BeginReindex(t.Context(), replaced), "that was for another index")
}

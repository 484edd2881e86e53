package store_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Sequences of a log count for that log alone, and after a reconnect, or when the feed was deleted, it may be another.
func TestFeedTellsWhatCameBefore(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	log, err := store.OpenLog(t.Context(), nc, ns, store.Settings{KeepEvents: time.Hour})
	require.NoError(t, err)
	feed, err := log.Feed(t.Context(), "wake", time.Minute, 8, func(error) {})
	require.NoError(t, err)
	defer func() {
		feed.Stop()
		for ended := false; !ended; { // what has come is still there
			_, ok := feed.Next()
			ended = !ok
		}
	}()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	source, last, at := bustest.NewID(t, "press", "times"), uint64(0), troupe.Position{Epoch: 1}
	next := func() store.Fed {
		t.Helper()
		at.Sequence++
		last, err = log.Append(t.Context(), source, record.Emitted{Event: "published", Position: wire.Position(at)}, last)
		require.NoError(t, err)
		for {
			fed, ok := feed.Next()
			require.True(t, ok)
			if fed.Ack(); fed.Place.Position == at {
				return fed
			}
		}
	}
	first, second := next(), next()
	require.True(t, first.Before(second))
	require.False(t, second.Before(first))
	require.Equal(t, first.Opened, second.Opened)

	require.NoError(t, nc.ForceReconnect())
	third := next()
	require.Greater(t, third.Opened, second.Opened)
	require.NoError(t, js.DeleteConsumer(t.Context(), "troupe-events", "wake"))
	fourth := next()
	require.Greater(t, fourth.Opened, third.Opened)
	third.Sequence, fourth.Sequence = 9, 1
	require.True(t, third.Before(fourth))
	require.False(t, fourth.Before(third))
}

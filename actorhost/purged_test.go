package actorhost_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// purge removes all messages of a stream. JetStream tells nobody.
func (s *storage) purge(name string) jetstream.Stream {
	s.t.Helper()
	js, err := jetstream.New(s.nc)
	require.NoError(s.t, err)
	stream, err := js.Stream(s.t.Context(), name)
	require.NoError(s.t, err)
	require.NoError(s.t, stream.Purge(s.t.Context()))
	return stream
}

// TestIndexThatIsPurged: hosts notice with their next check, and followers miss nothing.
func TestIndexThatIsPurged(t *testing.T) {
	t.Parallel()
	s := startStorage(t)
	s.awaitRead(s.publish(3))
	stream := s.purge("KV_troupe-subscriptions")
	page := s.publish(3)
	js, err := jetstream.New(s.nc)
	require.NoError(t, err)
	_, err = js.UpdateStream(t.Context(), stream.CachedInfo().Config) // an advisory, by which hosts check what they have
	require.NoError(t, err)
	s.awaitRead(page)
	s.awaitRead(s.publish(1))
	require.Eventually(t, func() bool { return s.log.Contains(`stream="the bucket troupe-subscriptions" how="it was purged`) }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, 1, strings.Count(s.log.String(), "a stream was replaced"))
}

// TestRecordsThatArePurged: a host says so when it has something to write.
func TestRecordsThatArePurged(t *testing.T) {
	t.Parallel()
	s := startStorage(t)
	s.awaitRead(s.publish(3))
	asleep := troupe.GetOrCreate[counter](s.client, "asleep")
	require.NoError(t, call(t.Context(), add, asleep, 1))
	s.fallAsleep(asleep)
	s.purge("KV_troupe-actors")
	require.Equal(t, 1, s.publish(1), "its pages are lost")
	require.Eventually(t, func() bool { return s.log.Contains(`stream="the bucket troupe-actors" how="it was purged`) }, 10*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { return s.gapsTold() > 0 }, 10*time.Second, 10*time.Millisecond)
	require.Zero(t, s.count(asleep))
	require.Equal(t, 2, s.publish(1))
	require.Equal(t, 1, strings.Count(s.log.String(), "a stream was replaced"))
}

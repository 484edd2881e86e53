package store_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestFindMakesNothing looks for what no host has created yet, and then for what one has.
func TestFindMakesNothing(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	nc := bustest.Connect(t)
	find := func() (bool, bool) {
		records, err := store.FindRecords(t.Context(), nc, ns)
		require.NoError(t, err)
		hosts, err := store.FindHosts(t.Context(), nc, ns)
		require.NoError(t, err)
		return records != nil, hosts != nil
	}
	records, hosts := find()
	require.False(t, records)
	require.False(t, hosts)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for name := range js.StreamNames(t.Context()).Name() {
		require.Fail(t, "there is a stream", name)
	}

	_, err = store.OpenHosts(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	records, hosts = find()
	require.False(t, records)
	require.True(t, hosts)
	openRecords(t, nc)
	records, _ = find()
	require.True(t, records)
}

func TestFindWithoutJetStream(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: bustest.Serve(t, &server.Options{}).ClientURL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	_, err = store.FindRecords(t.Context(), nc, ns)
	require.ErrorContains(t, err, "has no JetStream")
	_, err = store.FindHosts(t.Context(), nc, ns)
	require.ErrorContains(t, err, "has no JetStream")
}

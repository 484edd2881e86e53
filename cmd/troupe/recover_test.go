package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestStateIsNotSetOverWhatOnlyAJournalHas kills a host as its journal has changes that its records have not. A state that
// was made from such a record is not set.
func TestStateIsNotSetOverWhatOnlyAJournalHas(t *testing.T) {
	t.Parallel()
	const actors, calls = 200, 20
	server := startServer(t)
	nc := connect(t, server)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, rooms())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) }) // as far as it can
	ours := connect(t, server)
	cl, err := client.New(ours, client.Config{})
	require.NoError(t, err)
	var all errgroup.Group
	for i := range actors {
		all.Go(func() error {
			for range calls {
				if _, err := add.Call(t.Context(), troupe.GetOrCreate[room](cl, strconv.Itoa(i)), 1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	nc.Close()

	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), ours, ns, store.Settings{})
	require.NoError(t, err)
	stranded, revision := "", uint64(0)
	for i := range actors {
		key := strconv.Itoa(i)
		record, err := records.Get(t.Context(), troupe.GetOrCreate[room](cl, key).ID())
		require.NoError(t, err)
		var state roomState
		require.NoError(t, codec.MsgPack.Unmarshal(record.State, &state))
		if state.Sum < calls {
			stranded, revision = key, record.Revision
		}
	}
	require.NotEmpty(t, stranded, "no change was in the journal alone")

	p := at(server.URL())
	got := p.run(t.Context(), "state", "set", "room", stranded, `{"Sum":-1}`, "--revision", fmt.Sprint(revision), "--yes")
	require.Equal(t, exitConflict, got.code, got)
	require.Contains(t, got.err, "nothing is changed")
	require.Equal(t, result{exitOK, fmt.Sprintf(`{"Messages":null,"Sum":%d}`+"\n", calls), ""}, p.run(t.Context(), "state", "get", "room", stranded))
	require.Equal(t, exitOK, p.run(t.Context(), "state", "set", "room", stranded, `{"Sum":-1}`, "--yes").code)
}

// TestStateIsNotSetUnderAHostWithALease: one that does not answer may only be slow.
func TestStateIsNotSetUnderAHostWithALease(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	stop := startHost(t, server, actorhost.Config{})
	p := at(server.URL())
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "5").code)
	stop()
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	id, err := troupe.NewID("room", "a")
	require.NoError(t, err)
	record, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	record.Owner = "slow"
	_, err = records.Put(t.Context(), id, record)
	require.NoError(t, err)
	leases, err := store.OpenHosts(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	_, err = leases.Renew(t.Context(), store.HostEntry{ID: "slow"}, 0, time.Minute)
	require.NoError(t, err)

	got := p.run(t.Context(), "state", "set", "room", "a", `{"Sum":-1}`, "--timeout", "500ms", "--yes")
	require.Equal(t, exitUnavailable, got.code, got.err)
	require.Contains(t, got.err, "does not reply but still has its lease")
	_, up, err := leases.Revision(t.Context(), "slow")
	require.NoError(t, err)
	require.True(t, up)
	require.Contains(t, p.run(t.Context(), "state", "get", "room", "a").out, `"Sum":5`)
}

// TestSettingAStateMakesNoStreams: it does not know how a host would make them.
func TestSettingAStateMakesNoStreams(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	id, err := troupe.NewID("room", "a")
	require.NoError(t, err)
	state, err := codec.MsgPack.Append(nil, roomState{Sum: 5})
	require.NoError(t, err)
	_, err = records.Put(t.Context(), id, record.Record{Owner: "gone", Created: true, State: state})
	require.NoError(t, err)

	got := at(server.URL()).run(t.Context(), "state", "set", "room", "a", `{"Sum":6}`, "--yes")
	require.Equal(t, exitOK, got.code, got.err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for name := range js.StreamNames(t.Context()).Name() {
		require.Equal(t, "KV_troupe-actors", name)
	}
}

package bus_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
)

// connect gives a test a server of its own and a connection to it.
func connect(t *testing.T) *nats.Conn {
	t.Helper()
	server, err := bus.StartServer(bus.ServerOptions{Memory: true, InProcessOnly: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	nc, err := server.Connect(bus.Options{})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

func newID(t *testing.T, actorType string, key ...string) troupe.ID {
	t.Helper()
	id, err := troupe.NewID(actorType, key...)
	require.NoError(t, err)
	return id
}

func TestRecordsAreComparedAndSet(t *testing.T) {
	t.Parallel()
	ns, err := bus.NewNamespace("")
	require.NoError(t, err)
	records, err := bus.OpenRecords(t.Context(), connect(t), ns, 0)
	require.NoError(t, err)
	id := newID(t, "room", "org1", "lobby")

	absent, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, bus.Record{}, absent)
	claimed, err := records.Put(t.Context(), id, bus.Record{Owner: "h1"})
	require.NoError(t, err)
	_, err = records.Put(t.Context(), id, bus.Record{Owner: "h2"})
	require.ErrorIs(t, err, bus.ErrConflict)
	got, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, bus.Record{Owner: "h1", Epoch: claimed, Revision: claimed}, got, "a claim's epoch is its revision")

	got.Created, got.State = true, []byte{0xc0}
	stored, err := records.Put(t.Context(), id, got)
	require.NoError(t, err)
	require.ErrorIs(t, records.Delete(t.Context(), id, claimed), bus.ErrConflict)
	require.NoError(t, records.Delete(t.Context(), id, stored))
	gone, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Nil(t, gone.State)
	require.Greater(t, gone.Revision, stored)
	again, err := records.Put(t.Context(), id, bus.Record{Owner: "h3", Revision: gone.Revision})
	require.NoError(t, err)
	require.Greater(t, again, stored, "epochs grow across destruction")
}

func TestRecordsAreListed(t *testing.T) {
	t.Parallel()
	ns, err := bus.NewNamespace("")
	require.NoError(t, err)
	nc := connect(t)
	records, err := bus.OpenRecords(t.Context(), nc, ns, 0)
	require.NoError(t, err)
	for _, id := range []troupe.ID{newID(t, "room"), newID(t, "room", "a"), newID(t, "room", "a", ""), newID(t, "roomy", "b"), newID(t, "clock")} {
		_, err := records.Put(t.Context(), id, bus.Record{Owner: "h1"})
		require.NoError(t, err)
	}
	destroyed, err := records.Put(t.Context(), newID(t, "room", "destroyed"), bus.Record{Owner: "h1"})
	require.NoError(t, err)
	require.NoError(t, records.Delete(t.Context(), newID(t, "room", "destroyed"), destroyed))
	require.NoError(t, nc.Publish("$KV.troupe-actors.room.corrupt", []byte{0xdd, 0xff, 0xff, 0xff, 0xff}))
	require.NoError(t, nc.Flush())

	for actorType, want := range map[string][]string{
		"":       {"room", "room/a", "room/a/=", "roomy/b", "clock", "room/corrupt"},
		"room":   {"room", "room/a", "room/a/=", "room/corrupt"},
		"clock":  {"clock"},
		"nobody": nil,
	} {
		var got []string
		for record, err := range records.List(t.Context(), actorType) {
			if record.ID.String() == "room/corrupt" {
				require.ErrorIs(t, err, bus.ErrCorrupt)
			} else {
				require.NoError(t, err)
				require.Equal(t, "h1", record.Owner)
			}
			require.False(t, record.Modified.IsZero())
			got = append(got, record.ID.String())
		}
		require.ElementsMatch(t, want, got)
	}
}

func TestLeases(t *testing.T) {
	t.Parallel()
	ns, err := bus.NewNamespace("")
	require.NoError(t, err)
	hosts, err := bus.OpenHosts(t.Context(), connect(t), ns, 0)
	require.NoError(t, err)
	entry := bus.HostEntry{ID: "h1", Types: []string{"room"}}
	_, up, err := hosts.Revision(t.Context(), "h1")
	require.NoError(t, err)
	require.False(t, up)
	first, err := hosts.Renew(t.Context(), entry, 0, 60e9)
	require.NoError(t, err)
	second, err := hosts.Renew(t.Context(), entry, first, 60e9)
	require.NoError(t, err)
	revision, up, err := hosts.Revision(t.Context(), "h1")
	require.NoError(t, err)
	require.True(t, up)
	require.Equal(t, second, revision)
	require.ErrorIs(t, hosts.Revoke(t.Context(), "h1", first), bus.ErrConflict)
	require.NoError(t, hosts.Revoke(t.Context(), "h1", second))
	_, err = hosts.Renew(t.Context(), entry, second, 60e9)
	require.ErrorIs(t, err, bus.ErrConflict, "a revoked host finds out")
	_, up, err = hosts.Revision(t.Context(), "h1")
	require.NoError(t, err)
	require.False(t, up)
}

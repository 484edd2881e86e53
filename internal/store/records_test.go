package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

func openRecords(t *testing.T, nc *nats.Conn) *store.Records {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	return records
}

func TestRecordsAreComparedAndSet(t *testing.T) {
	t.Parallel()
	records := openRecords(t, bustest.Connect(t))
	id := bustest.NewID(t, "room", "org1", "lobby")

	absent, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, record.Record{}, absent)
	claimed, err := records.Put(t.Context(), id, record.Record{Owner: "h1", Epoch: 5})
	require.NoError(t, err)
	_, err = records.Put(t.Context(), id, record.Record{Owner: "h2"})
	require.ErrorIs(t, err, store.ErrConflict)
	got, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, record.Record{Owner: "h1", Epoch: 5, Revision: claimed}, got)

	got.Created, got.State = true, []byte{0xc0}
	stored, err := records.Put(t.Context(), id, got)
	require.NoError(t, err)
	got.Epoch = 1 << 62 // ahead of all clocks
	require.ErrorIs(t, records.Delete(t.Context(), id, got), store.ErrConflict)
	got.Revision = stored
	require.NoError(t, records.Delete(t.Context(), id, got))
	gone, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Nil(t, gone.State)
	require.Greater(t, gone.Revision, stored)
	require.Greater(t, gone.NextEpoch(time.Now()), got.Epoch, "epochs grow across destruction")
	_, err = records.Put(t.Context(), id, record.Record{Owner: "h3", Revision: gone.Revision})
	require.NoError(t, err)
}

// nats kv del, or a program that deletes on its own, leaves no epoch.
func TestEpochsGrowWhoeverDeletesTheRecord(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	records := openRecords(t, nc)
	id := bustest.NewID(t, "room", "a")
	before := record.Record{Owner: "h1"}
	before.Epoch = before.NextEpoch(time.Now())
	_, err := records.Put(t.Context(), id, before)
	require.NoError(t, err)
	deletion := nats.NewMsg("$KV.troupe-actors.room.a")
	deletion.Header.Set("KV-Operation", "DEL")
	_, err = nc.RequestMsgWithContext(t.Context(), deletion)
	require.NoError(t, err)
	gone, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Greater(t, gone.NextEpoch(time.Now()), before.Epoch)
}

// TestWhatFitsARecord asks before anything is written, and again when the limit is known.
func TestWhatFitsARecord(t *testing.T) {
	t.Parallel()
	records := openRecords(t, bustest.Connect(t))
	for range 2 {
		require.True(t, records.Fits(1))
		require.False(t, records.Fits(2<<20))
		require.True(t, records.Fits(records.MaxState()))
		require.False(t, records.Fits(records.MaxState()+1))
	}
	largest := record.Record{Owner: "h1", State: make([]byte, records.MaxState())}
	_, err := records.Put(t.Context(), bustest.NewID(t, "room"), largest)
	require.NoError(t, err)
}

// A connection may move to a server with a lower limit. The next write finds that out.
func TestWhatFitsARecordFollowsTheServer(t *testing.T) {
	t.Parallel()
	options := &server.Options{JetStream: true, StoreDir: t.TempDir()}
	srv := bustest.Serve(t, options)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: srv.ClientURL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	records := openRecords(t, nc)
	largest := records.MaxState()
	require.True(t, records.Fits(largest))

	smaller := options.Clone()
	smaller.MaxPayload = int32(largest / 2)
	require.NoError(t, srv.ReloadOptions(smaller))
	require.NoError(t, nc.ForceReconnect())
	require.Eventually(t, func() bool { return nc.MaxPayload() < largest }, 10*time.Second, time.Millisecond)
	done := make(chan store.Outcome, 1)
	require.NoError(t, records.Write(store.Write{
		ID:   bustest.NewID(t, "room"),
		Take: func(bool) (record.Record, bool) { return record.Record{Owner: "h1"}, true },
		Done: func(o store.Outcome) { done <- o },
	}))
	require.NoError(t, (<-done).Err)
	require.False(t, records.Fits(largest))
	require.NoError(t, records.Close())
}

func TestRecordsAreListed(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	records := openRecords(t, nc)
	for _, id := range []troupe.ID{bustest.NewID(t, "room"), bustest.NewID(t, "room", "a"), bustest.NewID(t, "room", "a", ""), bustest.NewID(t, "roomy", "b"), bustest.NewID(t, "clock")} {
		_, err := records.Put(t.Context(), id, record.Record{Owner: "h1"})
		require.NoError(t, err)
	}
	destroyed, err := records.Put(t.Context(), bustest.NewID(t, "room", "destroyed"), record.Record{Owner: "h1"})
	require.NoError(t, err)
	require.NoError(t, records.Delete(t.Context(), bustest.NewID(t, "room", "destroyed"), record.Record{Revision: destroyed}))
	require.NoError(t, nc.Publish("$KV.troupe-actors.room.corrupt", []byte{0xdd, 0xff, 0xff, 0xff, 0xff}))
	require.NoError(t, nc.Publish("$KV.troupe-actors.room.spoilt", []byte("\x83\xa5owner\xa2h1\xa7created\xc3\xa6outbox\x01")))
	require.NoError(t, nc.Flush())

	for actorType, want := range map[string][]string{
		"":       {"room", "room/a", "room/a/=", "roomy/b", "clock", "room/corrupt", "room/spoilt"},
		"room":   {"room", "room/a", "room/a/=", "room/corrupt", "room/spoilt"},
		"clock":  {"clock"},
		"nobody": nil,
	} {
		var got []string
		for listed, err := range records.List(t.Context(), actorType) {
			switch listed.ID.String() {
			case "room/corrupt":
				require.ErrorIs(t, err, record.ErrCorrupt)
			case "room/spoilt":
				require.ErrorIs(t, err, record.ErrCorrupt)
				require.Equal(t, "h1", listed.Owner, "what can be read of it")
			default:
				require.NoError(t, err)
				require.Equal(t, "h1", listed.Owner)
			}
			require.False(t, listed.Modified.IsZero())
			got = append(got, listed.ID.String())
		}
		require.ElementsMatch(t, want, got)
	}
}

// TestListInPages lists more records than a server tells of at a time, with keys as long as they may be, in a bucket that keeps
// revisions. It makes no consumer.
func TestListInPages(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	records := openRecords(t, nc)
	require.NoError(t, records.Keep(t.Context(), 3))
	consumers, err := nc.SubscribeSync("$JS.API.CONSUMER.>")
	require.NoError(t, err)
	want := make(map[string]uint64)
	for i := range 2500 {
		subject := fmt.Sprintf("$KV.troupe-actors.room.%d", i)
		if i%10 == 0 {
			subject += strings.Repeat("=FF", 1024-4)
		}
		var revision uint64
		for range 1 + i%3 {
			ack, err := nc.Request(subject, []byte{0x80}, 10*time.Second)
			require.NoError(t, err)
			var stored struct {
				Seq uint64 `json:"seq"`
			}
			require.NoError(t, json.Unmarshal(ack.Data, &stored))
			revision = stored.Seq
		}
		if i%100 == 1 {
			_, err := nc.RequestMsg(&nats.Msg{Subject: subject, Header: nats.Header{"KV-Operation": {"DEL"}}}, 10*time.Second)
			require.NoError(t, err)
			continue
		}
		id, err := troupe.ParseID(strings.TrimPrefix(subject, "$KV.troupe-actors."))
		require.NoError(t, err)
		want[id.String()] = revision
	}
	for _, actorType := range []string{"", "room"} {
		got := make(map[string]uint64)
		for listed, err := range records.List(t.Context(), actorType) {
			require.ErrorIs(t, err, record.ErrCorrupt)
			require.NotContains(t, got, listed.ID.String())
			got[listed.ID.String()] = listed.Revision
		}
		require.Equal(t, want, got)
		for _, err := range records.List(t.Context(), actorType) { // is left early
			require.ErrorIs(t, err, record.ErrCorrupt)
			break
		}
	}
	require.NoError(t, nc.Flush())
	pending, _, err := consumers.Pending()
	require.NoError(t, err)
	require.Zero(t, pending)
}

// TestCorruptRecordsAreNoEmptyOnes stores records that no host writes.
func TestCorruptRecordsAreNoEmptyOnes(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	records := openRecords(t, nc)
	id := bustest.NewID(t, "room", "a")
	encoded := func(v any) []byte {
		data, err := codec.MsgPack.Append(nil, v)
		require.NoError(t, err)
		return data
	}
	put := func(msg *nats.Msg) {
		msg.Subject = "$KV.troupe-actors.room.a"
		_, err := nc.RequestMsg(msg, 10*time.Second)
		require.NoError(t, err)
	}
	type fields map[string]any
	for name, data := range map[string][]byte{
		"nothing":                   {},
		"nil":                       {0xc0},
		"an empty map":              {0x80},
		"another map":               encoded(fields{"name": "x"}),
		"a list":                    {0x90},
		"a text":                    []byte("\xa3abc"),
		"JSON":                      []byte(`{"owner":"h1","created":true}`),
		"two values":                append(encoded(fields{"owner": "h1"}), 0xc0),
		"a bomb":                    {0xdf, 0xff, 0xff, 0xff, 0xff},
		"900 KB of nesting":         bytes.Repeat([]byte{0x91}, 900<<10),
		"900 KB of nesting inside":  append([]byte("\x81\xa1x"), bytes.Repeat([]byte{0x91}, 900<<10)...),
		"an owner with a dot":       encoded(fields{"owner": "h.1", "created": true}),
		"an owner of a wildcard":    encoded(fields{"owner": "*", "created": true}),
		"an owner of all":           encoded(fields{"owner": ">", "created": true}),
		"an owner with a space":     encoded(fields{"owner": "h 1", "created": true}),
		"an owner of two lines":     encoded(fields{"owner": "h\r\nPUB x 0\r\n\r\n", "created": true}),
		"an owner that is too long": encoded(fields{"owner": strings.Repeat("h", 5000), "created": true}),
		"an owner that is a number": encoded(fields{"owner": 1, "created": true}),
		"an owner twice":            []byte("\x82\xa5owner\xa2h1\xa5owner\xa2h2"),
		"a negative epoch":          encoded(fields{"owner": "h1", "epoch": -1}),
		"a state without an actor":  encoded(fields{"owner": "h1", "state": []byte{0x80}}),
		"a state that is no bytes":  encoded(fields{"owner": "h1", "created": true, "state": fields{}}),
		"a need that is no name":    encoded(fields{"owner": "h1", "created": true, "needs": []string{"a b"}}),
		"needs that are no list":    encoded(fields{"owner": "h1", "created": true, "needs": "timers"}),
	} {
		put(&nats.Msg{Data: data})
		_, err := records.Get(t.Context(), id)
		require.ErrorIs(t, err, record.ErrCorrupt, name)
		require.Less(t, len(err.Error()), 300, name)
		stored, err := records.Raw(t.Context(), id)
		require.NoError(t, err, name)
		require.NotNil(t, stored, name)
	}
	for name, one := range map[string]fields{
		"of a claim":       {"owner": "2h_-"},
		"of nobody":        {"owner": "", "created": true},
		"without a state":  {"owner": "h1", "created": true},
		"with nils":        {"owner": "h1", "created": true, "epoch": nil, "state": nil, "needs": nil},
		"of a great epoch": {"owner": "h1", "created": true, "epoch": uint64(1) << 63, "state": []byte{0x80}},
		"of junk":          {"owner": "h1", "created": true, "state": []byte("junk"), "answers": []byte("junk")}, // not opened here
	} {
		put(&nats.Msg{Data: encoded(one)})
		got, err := records.Get(t.Context(), id)
		require.NoError(t, err, name)
		require.Equal(t, one["owner"], got.Owner, name)
	}
	put(&nats.Msg{Data: encoded(fields{"owner": "h1", "created": true}), Header: nats.Header{"KV-Operation": {"X"}}})
	got, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.True(t, got.Created, "what deletes nothing is not deleted")
}

func TestLeases(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	hosts, err := store.OpenHosts(t.Context(), bustest.Connect(t), ns, store.Settings{})
	require.NoError(t, err)
	entry := store.HostEntry{ID: "h1", Types: []string{"room"}}
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
	require.ErrorIs(t, hosts.Revoke(t.Context(), "h1", first), store.ErrConflict)
	require.NoError(t, hosts.Revoke(t.Context(), "h1", second))
	_, err = hosts.Renew(t.Context(), entry, second, 60e9)
	require.ErrorIs(t, err, store.ErrConflict, "a revoked host finds out")
	_, up, err = hosts.Revision(t.Context(), "h1")
	require.NoError(t, err)
	require.False(t, up)
}

// A server that was killed may keep a lease whose time is over.
func TestLeaseThatTheServerHasNotEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bustest.DropTimers(t)
		nc := bustest.Connect(t)
		ns, err := wire.NewNamespace("")
		require.NoError(t, err)
		hosts, err := store.OpenHosts(t.Context(), nc, ns, store.Settings{})
		require.NoError(t, err)
		left, err := hosts.Renew(t.Context(), store.HostEntry{ID: "left"}, 0, 0) // which never ends
		require.NoError(t, err)
		time.Sleep(59 * time.Minute) //nolint:forbidigo // virtual time
		mine, err := hosts.Renew(t.Context(), store.HostEntry{ID: "mine"}, 0, time.Hour)
		require.NoError(t, err)
		up := func() (bool, int) {
			revision, up, err := hosts.Revision(t.Context(), "left")
			require.NoError(t, err)
			require.Equal(t, left, revision)
			all, err := hosts.All(t.Context())
			require.NoError(t, err)
			return up, len(all)
		}
		is, all := up()
		require.True(t, is)
		require.Equal(t, 2, all)
		time.Sleep(2 * time.Minute) //nolint:forbidigo // virtual time
		is, _ = up()
		require.True(t, is, "by the clock of the server nothing has happened since")
		_, err = hosts.Renew(t.Context(), store.HostEntry{ID: "mine"}, mine, time.Hour)
		require.NoError(t, err)
		is, all = up()
		require.False(t, is)
		require.Equal(t, 1, all)
	})
}

package main

import (
	"regexp"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

var sizes = regexp.MustCompile(`\d+ B|\d+\.\d KiB`)

func TestDoctorFindsNothingWrong(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	got := p.run(t.Context(), "doctor")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "note   no host has run in the namespace troupe\n")

	startHost(t, server, actorhost.Config{})
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "5").code)
	got = p.run(t.Context(), "doctor")
	require.Equal(t, result{exitOK, `STREAM                  MESSAGES  SIZE REPLICAS MADE
KV_troupe-actors               1 <size>        1 <age>
troupe-journal                 2 <size>        1 <age>
KV_troupe-hosts                1 <size>        1 <age>
KV_troupe-subscriptions        -     -        - not there
troupe-events                  -     -        - not there
troupe-answers                 -     -        - not there
troupe-due                     -     -        - not there
troupe-queue                   -     -        - not there
troupe-later                   -     -        - not there
troupe-dead                    -     -        - not there
troupe-inorder                 -     -        - not there

ok     1 records can be decoded
`, ""}, result{got.code, sizes.ReplaceAllString(steady(got.out), "<size>"), got.err})
}

func TestDoctorFindsWhatIsGone(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})()
	js, err := jetstream.New(connect(t, server))
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-journal"))
	got := at(server.URL()).run(t.Context(), "doctor")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.out, "wrong  troupe-journal is gone\n")
	require.Equal(t, "error failed: 1 wrong\n", got.err)
}

// ill stores what does not fit together, and says what the doctor is to find.
type ill struct {
	t       *testing.T
	records *store.Records
	log     *store.Log
	index   *store.Subscriptions
}

func (i ill) put(key string, change ...record.Change) {
	i.t.Helper()
	var parts record.Parts
	for _, one := range change {
		one.Apply(&parts)
	}
	r := record.Record{Owner: "gone", Epoch: 1, Created: true, State: []byte{0x80}}
	parts.Fill(&r)
	_, err := i.records.Put(i.t.Context(), bustest.NewID(i.t, "room", key), r)
	require.NoError(i.t, err)
}

func (i ill) broadcast(key string, epoch uint64) {
	i.t.Helper()
	_, err := i.log.Append(i.t.Context(), bustest.NewID(i.t, "room", key),
		record.Emitted{Event: "closed", Position: wire.Position{Epoch: epoch, Sequence: 1}}, 0)
	require.NoError(i.t, err)
}

func TestDoctorFindsWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	i := ill{t: t}
	i.records, err = store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	_, err = store.OpenHosts(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	_, err = store.OpenJournals(t.Context(), i.records, ns, store.Settings{}, false)
	require.NoError(t, err)
	i.log, i.index, err = store.NewEventLog(nc, ns, store.Settings{}).Open(t.Context())
	require.NoError(t, err)
	follow := func(source string, last uint64) record.Change {
		f := record.Follow{Source: bustest.NewID(t, "room", source), Event: "closed"}
		if last > 0 {
			f.Last = troupe.Position{Epoch: last, Sequence: 1}
		}
		return f
	}
	i.put("older", &record.Broadcast{Event: "closed", Epoch: 3})
	i.broadcast("older", 5)
	i.put("unindexed", follow("older", 5))
	i.put("beyond", follow("quiet", 5))
	require.NoError(t, i.index.Add(t.Context(), bustest.NewID(t, "room", "quiet"), "closed", bustest.NewID(t, "room", "beyond")))
	overwrite(t, nc, "room.damaged", []byte("junk"))
	early := record.Record{Owner: "gone", Epoch: uint64(time.Now().Add(time.Hour).UnixMilli()), Created: true}
	_, err = i.records.Put(t.Context(), bustest.NewID(t, "room", "early"), early)
	require.NoError(t, err)

	p := at(server.URL())
	got := p.run(t.Context(), "doctor")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "error failed: 4 wrong, of which troupe doctor --repair repairs 1\n", got.err)
	for _, want := range []string{
		"ok     4 records can be decoded\n",
		"wrong  1 records cannot be decoded\n       such as room/damaged\n",
		"wrong  1 actors have an epoch from the future\n       such as room/early\n",
		"wrong  1 actors have a record that is older than their events in the log\n       such as room/older\n",
		"wrong  1 durable subscriptions wake nobody, for the index does not have them\n       such as room/unindexed\n",
		"note   1 durable subscribers have read events that the log no longer has\n       such as room/beyond\n",
		"note   4 actors were last on a host that is gone\n",
	} {
		require.Contains(t, got.out, want)
	}

	repaired := p.run(t.Context(), "doctor", "--repair", "--json")
	require.Equal(t, exitFailed, repaired.code)
	require.Contains(t, repaired.err, "repaired: 1 durable subscriptions wake nobody, for the index does not have them\n")
	there, err := i.index.Has(t.Context(), bustest.NewID(t, "room", "older"), "closed", bustest.NewID(t, "room", "unindexed"))
	require.NoError(t, err)
	require.True(t, there)
	require.NotContains(t, p.run(t.Context(), "doctor").out, "wake nobody")
}

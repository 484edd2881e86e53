package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// A witness counts how often a room closes.
type witness struct{ troupe.Ref }

func (witness) ActorType() string { return "witness" }

var (
	attend = troupe.NewAction[witness, string, troupe.None]("attend")
	seen   = troupe.NewAction[witness, troupe.None, int]("seen")
)

func witnesses() actorhost.Definition {
	return actorhost.Define(func() int { return 0 },
		actorhost.On(attend, actorhost.NoOut(func(_ *int, c *actorhost.Context, key string) error {
			return closed.SubscribeDurable(c, troupe.GetOrCreate[room](c, key))
		})),
		actorhost.On(seen, actorhost.NoIn(func(n *int, _ *actorhost.Context) (int, error) { return *n, nil })),
	).OnEvents(actorhost.OnEvent(closed, func(n *int, _ *actorhost.Context, _ troupe.None) error { *n++; return nil }))
}

// The feed is deleted while no host is up, and so is the notice of an event.
func TestDoctorTellsSubscribersAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	nc := connect(t, server)
	begin := func() *actorhost.Host {
		host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, rooms(), witnesses())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
		return host
	}
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
	first := begin()
	ann := troupe.GetOrCreate[witness](cl, "ann")
	_, err = attend.Call(t.Context(), ann, "a")
	require.NoError(t, err)
	_, err = closing.Call(t.Context(), troupe.GetOrCreate[room](cl, "a"), nil)
	require.NoError(t, err)
	has := func(n int) func() bool {
		return func() bool { got, err := seen.Call(t.Context(), ann, nil); return err == nil && got == n }
	}
	require.Eventually(t, has(1), 10*time.Second, 10*time.Millisecond)
	require.NoError(t, first.Stop(t.Context()))

	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, js.DeleteConsumer(t.Context(), "troupe-events", "wake"))
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	log, err := store.FindLog(t.Context(), nc, ns)
	require.NoError(t, err)
	source := bustest.NewID(t, "room", "a")
	last, sequence, err := log.Last(t.Context(), source, "closed")
	require.NoError(t, err)
	next := record.Emitted{Event: "closed", Position: wire.Position{Epoch: last.Epoch, Sequence: 2}, Payload: []byte{0xc0}}
	_, err = log.Append(t.Context(), source, next, sequence)
	require.NoError(t, err)
	begin()

	x := examination{connection: connection{env{terminal: terminal{}, namespace: ns, timeout: 10 * time.Second}, nc}}
	defer x.close()
	streams, err := store.Survey(t.Context(), nc, ns)
	require.NoError(t, err)
	found, err := x.examine(t.Context(), streams)
	require.NoError(t, err)
	for _, f := range found {
		if f.Text == "1 durable subscriptions have not got the last event in the log" {
			require.Equal(t, []string{"witness/ann"}, f.Actors)
			require.True(t, has(1)())
			require.NoError(t, f.repair(t.Context()))
			require.True(t, has(2)())
			return
		}
	}
	require.Fail(t, "nobody is behind", "%v", found)
}

func TestDoctorBringsJournalsIn(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	journals, err := store.OpenJournals(t.Context(), records, ns, store.Settings{}, true)
	require.NoError(t, err)
	left, err := journals.Open(t.Context(), "gone")
	require.NoError(t, err)
	written := make(chan store.Outcome, 1)
	require.NoError(t, left.Write(store.Write{
		ID: bustest.NewID(t, "room", "a"),
		Take: func(bool) (record.Record, bool) {
			return record.Record{Owner: "gone", Epoch: 1, Created: true, State: []byte{0x80}}, true
		},
		Done: func(o store.Outcome) { written <- o },
	}))
	require.NotNil(t, (<-written).Segment, "it is in the journal alone")

	const text = "1 hosts that are gone may have left changes in their journals, which the records lack\n"
	p := at(server.URL())
	require.Contains(t, p.run(t.Context(), "doctor").out, "note   "+text)
	require.Equal(t, exitNotFound, p.run(t.Context(), "state", "get", "room", "a").code)
	got := p.run(t.Context(), "doctor", "--repair")
	require.Equal(t, result{exitOK, got.out, "repaired: " + text}, got)
	require.Equal(t, exitOK, p.run(t.Context(), "state", "get", "room", "a").code)
	require.NoError(t, left.Close(t.Context()))
	require.NoError(t, records.Close())
}

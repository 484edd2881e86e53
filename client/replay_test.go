package client_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestReplayOfTheEnd reads the last events of many, in one life of an actor and in two, without reading all of them.
func TestReplayOfTheEnd(t *testing.T) {
	t.Parallel()
	const many, end = 3000, 10
	b := hosttest.Start(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	log, err := store.OpenLog(t.Context(), b.Connect(), ns, store.Settings{KeepEvents: time.Hour})
	require.NoError(t, err)
	one, two := troupe.GetOrCreate[shelf](b.Client, "one").ID(), troupe.GetOrCreate[shelf](b.Client, "two").ID()
	kept := map[troupe.ID][]troupe.Position{}
	last := map[troupe.ID]uint64{}
	add := func(id troupe.ID, at troupe.Position) {
		t.Helper()
		last[id], err = log.Append(t.Context(), id, record.Emitted{Event: "read", Position: wire.Position(at)}, last[id])
		require.NoError(t, err)
		kept[id] = append(kept[id], at)
	}
	for n := range uint64(many) {
		add(one, troupe.Position{Epoch: 5 + n/100, Sequence: n + 1})
		add(two, troupe.Position{Epoch: 5 + 2*n/many, Sequence: n%(many/2) + 1})
	}
	nc := b.Connect()
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, cl.Close(t.Context())) }()
	replay := func(id troupe.ID, from troupe.ReplayStart) (at []troupe.Position, messages uint64) {
		before := nc.Stats().InMsgs
		for event, err := range cl.Replay(t.Context(), id, "read", from) {
			require.NoError(t, err)
			at = append(at, event.Position)
		}
		return at, nc.Stats().InMsgs - before
	}
	for _, from := range []troupe.ReplayStart{
		troupe.FromSequence(many - end + 1), troupe.FromPosition(troupe.Position{Epoch: 5 + many/100 - 1, Sequence: many - end + 1}),
	} {
		at, messages := replay(one, from)
		require.Equal(t, kept[one][many-end:], at)
		require.Less(t, messages, uint64(100))
	}
	for _, sequence := range []uint64{1, 2, 1499, 2000, many, many + 1} {
		at, _ := replay(one, troupe.FromSequence(sequence))
		require.Len(t, at, int(many+1-sequence), sequence)
	}
	at, _ := replay(two, troupe.FromSequence(many/2-1))
	require.Len(t, at, many/2+2, "the end of the first life, and all of the second")
	at, _ = replay(two, troupe.FromSequence(many))
	require.Len(t, at, many/2, "all of the second")
}

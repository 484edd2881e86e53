package actorhost_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestTroublesAreCounted has a host meet what it counts beside turns, and tell it as figures of both kinds.
func TestTroublesAreCounted(t *testing.T) {
	t.Parallel()
	until, b := make(chan struct{}), hosttest.Start(t)
	host, nc := b.Host(stuckActors(until), counters()), b.Connect()
	ref, busy := troupe.GetOrCreate[counter](b.Client, "a"), troupe.GetOrCreate[stuck](b.Client, "a")
	ask := func() wire.HostFigures { return askHost[wire.HostFigures](t, nc, host, "figures", nil) }
	figures := func() map[string]float64 {
		all := make(map[string]float64)
		for one := range host.Figures() {
			if all[one.Name] += one.Value; troupe.Figures[one.Name].About == "" {
				t.Errorf("%s is not among troupe.Figures", one.Name)
			}
		}
		return all
	}

	const waiting = 5
	done := make(chan error, waiting+1)
	for range waiting + 1 {
		go func() { done <- call(t.Context(), hang, busy, nil) }()
	}
	require.Eventually(t, func() bool { return ask().Waiting == waiting }, 10*time.Second, time.Millisecond)
	require.InDelta(t, waiting, figures()["troupe.mailbox.calls"], 0)
	require.Positive(t, ask().Mailbox)
	close(until)
	for range waiting + 1 {
		require.NoError(t, <-done)
	}
	require.Zero(t, ask().Waiting)
	require.Zero(t, ask().Mailbox)

	for range 3 {
		require.NoError(t, call(troupe.WithRequestID(t.Context(), "order-17"), add, ref, 1))
	}
	require.Equal(t, int64(2), ask().Repeated)
	largest := ask().Largest
	require.Positive(t, largest["counter"])
	require.NotContains(t, largest, "stuck", "it has changed nothing")

	js, err := jetstream.New(nc)
	require.NoError(t, err)
	records, err := js.KeyValue(t.Context(), "troupe-actors")
	require.NoError(t, err)
	entry, err := records.Get(t.Context(), "counter.a")
	require.NoError(t, err)
	_, err = records.Put(t.Context(), "counter.a", entry.Value()) // as another host would
	require.NoError(t, err)
	_ = call(t.Context(), add, ref, 1) // whoever gets an answer to that, it is of the next life
	require.Equal(t, int64(1), ask().Conflicts)

	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	leases, err := store.OpenHosts(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	require.Zero(t, ask().Lost)
	id := host.ID()
	revision, _, err := leases.Revision(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, leases.Revoke(t.Context(), id, revision))
	require.Eventually(t, func() bool { return host.ID() != id && figures()["troupe.leases.lost"] == 1 }, time.Minute, 5*time.Millisecond)

	all := figures()
	for name, want := range map[string]float64{
		"troupe.answers.repeated": 2, "troupe.store.conflicts": 1, "troupe.leases.lost": 1, "troupe.mailbox.calls": 0,
		"troupe.events.dropped": 0, "troupe.state.largest": float64(largest["counter"]),
	} {
		require.Contains(t, all, name)
		require.InDelta(t, want, all[name], 0, name)
	}
}

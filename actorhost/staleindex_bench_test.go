package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// BenchmarkStaleIndex has entries in the index of durable subscriptions of actors that are no more: for the events of other
// actors, for those of the actor that broadcasts, and as marks of a dead host. TROUPE_BENCH_ACTORS is how many, 100,000 if not
// set. It reports, in milliseconds, the medians of
//
//	append  an action that broadcasts a durable event
//	wake    from that action to the handler of a follower that was asleep
//	first   the same, of the first event
//	start   of another host
//	sweep   what the host does that looks for marks
//	clean   until all stale entries that are looked at are gone
func BenchmarkStaleIndex(b *testing.B) {
	for _, stale := range []struct {
		name string
		key  string // of one entry; empty: there are none
	}{
		{"none", ""},
		{"of other actors", "press.other%d.published.reader/gone"},
		{"of the actor", "press.times.published.reader/gone%d"},
		{"marks of a dead host", "_unsent.gone.press.gone%d"},
	} {
		b.Run(stale.name, func(b *testing.B) { staleIndex(b, stale.key) })
	}
}

func staleIndex(b *testing.B, key string) {
	b.Helper()
	heard := make(chan int, 1)
	followers := actorhost.Define(func() readerState { return readerState{} },
		actorhost.On(follow, actorhost.NoOut(func(_ *readerState, c *actorhost.Context, from string) error {
			return published.SubscribeDurable(c, troupe.GetOrCreate[press](c, from))
		}))).OnEvents(actorhost.OnEvent(published, func(_ *readerState, _ *actorhost.Context, page int) error { heard <- page; return nil }))
	definitions := []actorhost.Definition{pressAndReader[0], followers}
	bus := hosttest.Start(b, definitions...)
	ann, times := troupe.GetOrCreate[reader](bus.Client, "ann"), troupe.GetOrCreate[press](bus.Client, "times")
	require.NoError(b, call(b.Context(), follow, ann, "times"))
	nc := bus.Connect()
	stale := enterStale(b, nc, key)
	index, err := store.FindSubscriptions(b.Context(), nc, defaultNamespace(b))
	require.NoError(b, err)

	var appends, wakes, starts, sweeps []float64
	ms := func(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }
	began := time.Now()
	for b.Loop() {
		for range 20 {
			require.NoError(b, bus.Client.Invoke(b.Context(), troupe.Invocation{ID: ann.ID(), Action: troupe.SleepAction}))
			published := time.Now()
			require.NoError(b, call(b.Context(), publish, times, 1))
			appends = append(appends, ms(published))
			<-heard
			wakes = append(wakes, ms(published))
			starting := time.Now()
			host, err := actorhost.Start(b.Context(), bus.Connect(), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, definitions...)
			require.NoError(b, err)
			starts = append(starts, ms(starting))
			require.NoError(b, host.Stop(context.WithoutCancel(b.Context())))
			sweeping := time.Now()
			_, err = index.MayBeUnsent(b.Context())
			require.NoError(b, err)
			sweeps = append(sweeps, ms(sweeping))
		}
	}
	clean := 0.0
	if stale > 0 && !strings.HasPrefix(key, "press.other") {
		require.Eventually(b, func() bool { return writtenToIndex(b, nc) >= uint64(2*stale) }, 10*time.Minute, 100*time.Millisecond)
		clean = ms(began)
	}
	b.ReportMetric(wakes[0], "first-ms")
	b.ReportMetric(clean, "clean-ms")
	b.ReportMetric(0, "ns/op")
	for unit, all := range map[string][]float64{"append-ms": appends, "wake-ms": wakes, "start-ms": starts, "sweep-ms": sweeps} {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], unit)
	}
}

func defaultNamespace(b *testing.B) wire.Namespace {
	b.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(b, err)
	return ns
}

// enterStale enters as many entries as the benchmark is about, and returns how many. A mark has that of its host besides.
func enterStale(b *testing.B, nc *nats.Conn, key string) (stale int) {
	b.Helper()
	if key == "" {
		return 0
	}
	stale = 100_000
	if text := os.Getenv("TROUPE_BENCH_ACTORS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(b, err)
		stale = n
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000))
	require.NoError(b, err)
	const prefix = "$KV.troupe-subscriptions."
	for i := range stale {
		_, err := js.PublishAsync(prefix+fmt.Sprintf(key, i), nil, jetstream.WithStallWait(time.Minute))
		require.NoError(b, err)
	}
	<-js.PublishAsyncComplete()
	if key[0] == '_' {
		_, err := js.Publish(b.Context(), prefix+"_unsent.gone", nil)
		require.NoError(b, err)
	}
	return stale
}

// writtenToIndex is how much was ever written to the index: to remove an entry is one more.
func writtenToIndex(b *testing.B, nc *nats.Conn) uint64 {
	b.Helper()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	stream, err := js.Stream(b.Context(), "KV_troupe-subscriptions")
	require.NoError(b, err)
	return stream.CachedInfo().State.LastSeq
}

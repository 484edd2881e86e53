package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// BenchmarkDurable compares three things in turns, 256 at a time: an action that changes its actor and is answered when
// that is stored, over 100 actors; one that changes nothing, over the same actors; and a plain write of 200 bytes to a
// stream of the same server for each action. It reports the medians, and the least and greatest, of the ratios of the
// throughputs, and how many writes an action has cost.
func BenchmarkDurable(b *testing.B) {
	for name, config := range map[string]bus.ServerConfig{"sync=default": {}, "sync=always": {SyncAlways: true}} {
		b.Run(name, func(b *testing.B) { durable(b, config) })
	}
}

// BenchmarkDurableBesideUnchanged compares an action that changes its actor's state each time, so that each of its answers
// waits until that is stored, with one that changes nothing, 256 in flight, in turns: see BenchmarkVersus, where what is
// plain here are the actions that change nothing.
func BenchmarkDurableBesideUnchanged(b *testing.B) {
	const inFlight = 256
	for _, transport := range transports {
		b.Run(transport.name, func(b *testing.B) {
			at := transport.start(b)
			for _, actors := range []int{100, 1000} {
				b.Run(fmt.Sprintf("actors=%d", actors), func(b *testing.B) { besideUnchanged(b, at, actors, inFlight) })
			}
		})
	}
}

func besideUnchanged(b *testing.B, at stage, actors, inFlight int) {
	b.Helper()
	refs := make([]counter, actors)
	for i := range refs {
		refs[i] = troupe.GetOrCreate[counter](at.client, fmt.Sprint(i))
	}
	var actions atomic.Int64
	unchanged := func(ctx context.Context, i int) error { return call(ctx, get, refs[i%actors], nil) }
	changed := func(ctx context.Context, i int) error {
		actions.Add(1)
		return call(ctx, add, refs[i%actors], 1)
	}
	_, err := load{Calls: 4 * max(actors, inFlight), InFlight: inFlight}.run(b.Context(), changed)
	require.NoError(b, err)
	first, before := written(b, at.nc), actions.Load()
	versus(b, inFlight, side{at: at, call: unchanged}, side{at: at, call: changed})
	b.ReportMetric(float64(written(b, at.nc)-first)/float64(actions.Load()-before), "writes/action")
}

// written is how many records have been written.
func written(b *testing.B, nc *nats.Conn) uint64 {
	b.Helper()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	records, err := js.Stream(b.Context(), "KV_troupe-actors")
	require.NoError(b, err)
	info, err := records.Info(b.Context())
	require.NoError(b, err)
	return info.State.LastSeq
}

func durable(b *testing.B, config bus.ServerConfig) {
	b.Helper()
	const inFlight, actors = 256, 100
	config.DataDir = b.TempDir()
	server, err := bus.StartServer(config)
	require.NoError(b, err)
	b.Cleanup(server.Shutdown)
	nc, err := server.Connect(bus.Config{})
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	host, err := actorhost.Start(b.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, host.Stop(context.Background())) })
	cl, err := client.New(nc, client.Config{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, cl.Close(context.Background())) })
	refs := make([]counter, actors)
	for i := range refs {
		refs[i] = troupe.GetOrCreate[counter](cl, fmt.Sprint(i))
	}
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	_, err = js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "plain", Subjects: []string{"plain.>"}})
	require.NoError(b, err)
	payload := make([]byte, 200)

	calls := load{Calls: 64 * inFlight, InFlight: inFlight}
	writes := load{Calls: 8 * inFlight, InFlight: inFlight}
	stored := func(ctx context.Context, i int) error { return call(ctx, add, refs[i%actors], 1) }
	free := func(ctx context.Context, i int) error { return call(ctx, get, refs[i%actors], nil) }
	plain := func(ctx context.Context, i int) error {
		_, err := js.Publish(ctx, fmt.Sprintf("plain.%d", i%actors), payload)
		return err
	}
	var toFree, toPlain, rates []float64
	first := written(b, nc)
	for round := 0; b.Loop(); round++ {
		perSecond := func(l load, call func(context.Context, int) error) float64 {
			took, err := l.run(b.Context(), call)
			require.NoError(b, err)
			return float64(l.Calls) / took.Seconds()
		}
		withWrites, without, plainly := perSecond(calls, stored), perSecond(calls, free), perSecond(writes, plain)
		if round > 0 { // the first one wakes the actors
			toFree, toPlain = append(toFree, withWrites/without), append(toPlain, withWrites/plainly)
			rates = append(rates, withWrites)
		}
	}
	if len(rates) == 0 {
		return
	}
	for unit, values := range map[string][]float64{"x-unchanged": toFree, "x-plain-write": toPlain} {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], unit)
		b.ReportMetric(values[len(values)/10], unit+"-p10")
		b.ReportMetric(values[len(values)*9/10], unit+"-p90")
	}
	slices.Sort(rates)
	b.ReportMetric(float64(written(b, nc)-first)/float64((len(rates)+1)*calls.Calls), "writes/action")
	b.ReportMetric(rates[len(rates)/2], "actions/s")
	b.ReportMetric(0, "ns/op")
}

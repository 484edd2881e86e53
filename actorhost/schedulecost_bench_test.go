package actorhost_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// BenchmarkScheduleCost compares an action that changes its actor with the same that besides
//
//	earlier  schedules something for earlier than all that is scheduled, so that an alarm must be set first
//	later    moves a schedule later
//	toggle   schedules something, and the next time cancels it
//	publicly broadcasts an event, for which the record is written by itself, as it is for an alarm, and not with others
//
// in turns of 100 ms, one at a time and 256 at a time over 1,000 actors. It reports, as medians with the least and greatest, how long
// each takes as a multiple of the first (one at a time), or how many there are in a second (many), with the processor time of all
// processes, and how many alarms are written for 1,000 actions.
func BenchmarkScheduleCost(b *testing.B) {
	for _, of := range []struct{ actors, inFlight int }{{1, 1}, {1000, 256}} {
		b.Run(fmt.Sprintf("inflight=%d", of.inFlight), func(b *testing.B) { scheduleCost(b, of.actors, of.inFlight) })
	}
}

func scheduleCost(b *testing.B, actors, inFlight int) {
	b.Helper()
	server := startServer(b)
	host := startProcess(b, "metronomes", server.url, "24h")
	cl, nc := clientOf(b, server.url)
	whats := []turning{only, earlier, later, toggle, publicly}
	sides := make([]side, len(whats))
	refs := make([][]metronome, len(whats))
	for i, what := range whats {
		for n := range actors {
			refs[i] = append(refs[i], troupe.GetOrCreate[metronome](cl, string(what), key(n)))
		}
		sides[i] = side{
			at:   stage{nc: nc, client: cl, time: func() time.Duration { return ownTime() + server.time(b) + host.time(b) }},
			call: func(ctx context.Context, n int) error { return call(ctx, turn, refs[i][n%actors], what) },
		}
		every(b, string(what), 2*actors, sides[i].call) // wakes them, and has them schedule something
	}
	ratios, costs, alarms, turns := make([][]float64, len(whats)), make([][]float64, len(whats)), make([]uint64, len(whats)), make([]int64, len(whats))
	for b.Loop() {
		for i := range sides {
			before := alarmsWritten(b, nc)
			counted := side{at: sides[i].at, call: sides[i].call}
			require.NoError(b, counted.turn(b.Context(), inFlight))
			sides[i].times, sides[i].rate, sides[i].cost = counted.times, counted.rate, counted.cost
			costs[i] = append(costs[i], counted.cost/sides[0].cost)
			alarms[i] += alarmsWritten(b, nc) - before
			turns[i] += int64(counted.rate * roundTime.Seconds())
			if inFlight == 1 {
				ratios[i] = append(ratios[i], median(counted.times)/median(sides[0].times))
			} else {
				ratios[i] = append(ratios[i], counted.rate/sides[0].rate)
			}
		}
	}
	for i, what := range whats {
		b.ReportMetric(float64(alarms[i])*1000/float64(max(turns[i], 1)), string(what)+"-alarms/1000")
		if i > 0 {
			b.ReportMetric(median(ratios[i]), string(what)+"-x")
			b.ReportMetric(median(costs[i]), string(what)+"-cpu-x")
			b.ReportMetric(slices.Min(ratios[i]), string(what)+"-least")
			b.ReportMetric(slices.Max(ratios[i]), string(what)+"-most")
		}
	}
	b.ReportMetric(sides[0].rate, "only/s")
	b.ReportMetric(0, "ns/op")
}

// alarmsWritten is how many alarms and rings there have been.
func alarmsWritten(b *testing.B, nc *nats.Conn) uint64 {
	b.Helper()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	stream, err := js.Stream(b.Context(), "troupe-due")
	require.NoError(b, err)
	return stream.CachedInfo().State.LastSeq
}

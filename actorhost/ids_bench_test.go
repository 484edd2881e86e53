package actorhost_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// BenchmarkIDs makes calls with request ids, as many as 1,000 a second for 15 minutes to one actor, 10 a second for two
// minutes to each of 1,000, or 120 to each of 10,000: nine, or twelve, for each of TROUPE_BENCH_ACTORS. It reports what an id
// takes in the memory of host and server and in the stream, and how many ids a message has. The server keeps what it has just
// written for some 20 s, however many ids there are; with many it is measured after that. Then it kills the host, starts
// another, and makes each thousandth call again. It reports how long the first call that is made again takes, and fails if
// one has run again.
func BenchmarkIDs(b *testing.B) {
	n := numberOfActors(b)
	for _, size := range []struct{ actors, ids int }{{1, 9 * n}, {n / 100, 12 * n}, {n / 10, 12 * n}} {
		b.Run(fmt.Sprintf("actors=%d", size.actors), func(b *testing.B) {
			for b.Loop() {
				idsOfActors(b, size.actors, size.ids)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func idsOfActors(b *testing.B, actors, ids int) {
	b.Helper()
	server, host := startServerAndHost(b)
	defer server.end(b)
	cl, nc := clientOf(b, server.url)
	first := make([]int, ids)
	call := func(ctx context.Context, i int) (int, error) {
		ref := troupe.GetOrCreate[crate](cl, strconv.Itoa(i%actors))
		return stamp.Call(troupe.WithRequestID(ctx, "order-"+strconv.Itoa(i)), ref, nil)
	}
	every(b, "active", actors, func(ctx context.Context, i int) error {
		_, err := stamp.Call(ctx, troupe.GetOrCreate[crate](cl, strconv.Itoa(i)), nil)
		return err
	})
	if ids >= defaultActors {
		atRest(b, server)
	}
	serverBefore, hostBefore := server.usage(b), host.usage(b)
	began := time.Now()
	every(b, "with ids", ids, func(ctx context.Context, i int) (err error) {
		first[i], err = call(ctx, i)
		return err
	})
	b.ReportMetric(float64(ids)/time.Since(began).Seconds(), "calls/s")
	grown := func(p *process, before usage) float64 {
		return (float64(p.usage(b).Live) - float64(before.Live)) / float64(ids)
	}
	b.ReportMetric(grown(host, hostBefore), "host-B/id")
	if ids >= defaultActors {
		atRest(b, server)
		b.ReportMetric(grown(host, hostBefore), "host-rest-B/id")
	}
	b.ReportMetric(grown(server, serverBefore), "server-B/id")
	state := answersIn(b, nc)
	b.ReportMetric(float64(state.Bytes)/float64(ids), "stream-B/id")
	b.ReportMetric(float64(ids)/float64(state.LastSeq), "ids/message")

	host.kill(b)
	next := startProcess(b, "crates", server.url)
	defer next.end(b)
	began = time.Now()
	for i := 0; i < ids; i += 1000 {
		got, err := call(b.Context(), i)
		require.NoError(b, err)
		require.Equal(b, first[i], got, "call %d has run again", i)
		if i == 0 {
			b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-first-again")
		}
	}
}

func answersIn(b *testing.B, nc *nats.Conn) jetstream.StreamState {
	b.Helper()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	answers, err := js.Stream(b.Context(), "troupe-answers")
	require.NoError(b, err)
	info, err := answers.Info(b.Context())
	require.NoError(b, err)
	return info.State
}

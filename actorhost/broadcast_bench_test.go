package actorhost_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// tower broadcasts bursts of peals.
type tower struct{ troupe.Ref }

func (tower) ActorType() string { return "tower" }

var (
	peal   = troupe.NewAction[tower, int, troupe.None]("peal")
	pealed = troupe.NewEvent[tower, []byte]("pealed")
)

const (
	listeners  = 100
	burst      = 10_000
	pealSize   = 64
	pealsPlain = "plain.peals"
	pealsHeard = "plain.heard" // by all listeners, of one burst
)

// numbered is a payload, of which the first bytes are a number.
func numbered(n uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, pealSize), n)[:pealSize]
}

// BenchmarkBroadcast has one actor broadcast bursts of 10,000 events to 100 subscribers in another process, and, in turns,
// publishes as many plain messages to 100 plain subscribers there, with one connection for all of them and with one for
// each. All check that each event comes, in order. It reports the median, least and greatest ratio of what is delivered
// in the same time: 1 is as much as plain NATS.
func BenchmarkBroadcast(b *testing.B) {
	for _, connections := range []int{1, listeners} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) { broadcast(b, connections) })
	}
}

func broadcast(b *testing.B, connections int) {
	b.Helper()
	// By default the server disconnects a client that does not read for 64 MB, which a burst is for one plain connection.
	server, err := server.NewServer(&server.Options{Port: server.RANDOM_PORT, JetStream: true, StoreDir: b.TempDir(), MaxPending: 1 << 30, NoSigs: true})
	require.NoError(b, err)
	server.Start()
	b.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	connect := func() *nats.Conn {
		nc, err := bus.Connect(b.Context(), bus.Config{URL: server.ClientURL()})
		require.NoError(b, err)
		b.Cleanup(nc.Close)
		return nc
	}
	number := uint64(0)
	host, err := actorhost.Start(b.Context(), connect(), actorhost.Config{Logger: slog.New(slog.DiscardHandler)},
		actorhost.Define(func() struct{} { return struct{}{} },
			actorhost.On(peal, actorhost.NoOut(func(_ *struct{}, c *actorhost.Context, n int) error {
				for range n {
					number++
					if err := pealed.Broadcast(c, numbered(number)); err != nil {
						return err
					}
				}
				return nil
			}))))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, host.Stop(context.Background())) })
	nc := connect()
	cl, err := client.New(nc, client.Config{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, cl.Close(context.Background())) })
	heard, err := nc.SubscribeSync(pealsHeard)
	require.NoError(b, err)
	require.NoError(b, nc.Flush())
	startProcess(b, "listeners", server.ClientURL(), strconv.Itoa(connections))

	publisher, sent := connect(), uint64(0)
	plain := func() error {
		for range burst {
			sent++
			if err := publisher.Publish(pealsPlain, numbered(sent)); err != nil {
				return err
			}
		}
		return publisher.Flush()
	}
	ours := func() error { return call(b.Context(), peal, troupe.GetOrCreate[tower](cl), burst) }
	perSecond := func(publish func() error) float64 {
		began := time.Now()
		require.NoError(b, publish())
		for range connections {
			msg, err := heard.NextMsg(time.Minute)
			require.NoError(b, err)
			require.Empty(b, string(msg.Data))
		}
		return burst * listeners / time.Since(began).Seconds()
	}
	perSecond(plain) // warms up
	perSecond(ours)
	var ratios, rates []float64
	for b.Loop() {
		plainly := perSecond(plain)
		rate := perSecond(ours)
		ratios, rates = append(ratios, rate/plainly), append(rates, rate)
	}
	slices.Sort(ratios)
	slices.Sort(rates)
	b.ReportMetric(ratios[len(ratios)/2], "x-plain")
	b.ReportMetric(ratios[len(ratios)/10], "x-plain-p10")
	b.ReportMetric(ratios[len(ratios)*9/10], "x-plain-p90")
	b.ReportMetric(rates[len(rates)/2], "deliveries/s")
	b.ReportMetric(0, "ns/op")
}

// runListeners subscribes at the server whose URL is its first argument, with as many connections as the second says.
func runListeners(args []string, _ map[string]func() string) (end func() error, err error) {
	ctx := context.Background()
	connections, err := strconv.Atoi(args[1])
	if err != nil {
		return nil, err
	}
	var open []*nats.Conn
	for range connections {
		nc, err := bus.Connect(ctx, bus.Config{URL: args[0]})
		if err != nil {
			return nil, err
		}
		open = append(open, nc)
		cl, err := client.New(nc, client.Config{})
		if err != nil {
			return nil, err
		}
		plain, ours := &audience{nc: nc, size: listeners / connections}, &audience{nc: nc, size: listeners / connections}
		for range listeners / connections {
			hearPlain, hear := plain.listener(), ours.listener()
			if _, err := nc.Subscribe(pealsPlain, func(msg *nats.Msg) { hearPlain(msg.Data) }); err != nil {
				return nil, err
			}
			if _, err := pealed.Subscribe(ctx, troupe.GetOrCreate[tower](cl), func(_ context.Context, payload []byte) error {
				hear(payload)
				return nil
			}, troupe.OnGap(func(_ context.Context, gap troupe.Gap) error { ours.complain(gap.String()); return nil })); err != nil {
				return nil, err
			}
		}
		if err := nc.Flush(); err != nil {
			return nil, err
		}
	}
	return func() error {
		for _, nc := range open {
			nc.Close()
		}
		return nil
	}, nil
}

// audience is the listeners of one connection.
type audience struct {
	nc   *nats.Conn
	size int
	done atomic.Int64 // listeners that have heard all of a burst
}

func (a *audience) complain(what string) { _ = a.nc.Publish(pealsHeard, []byte(what)) } // or the benchmark times out

// listener returns what one listener does with each payload.
func (a *audience) listener() func(payload []byte) {
	last := uint64(0)
	return func(payload []byte) {
		n := binary.BigEndian.Uint64(payload)
		if n != last+1 {
			a.complain(fmt.Sprintf("%d after %d", n, last))
		}
		if last = n; n%burst == 0 && a.done.Add(1)%int64(a.size) == 0 {
			a.complain("") // of nothing
		}
	}
}

package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// echo answers with its input; driver makes many calls of it from within one action.
type (
	echo   struct{ troupe.Ref }
	driver struct{ troupe.Ref }
)

func (echo) ActorType() string   { return "echo" }
func (driver) ActorType() string { return "driver" }

var (
	echoIt = troupe.NewAction[echo, []byte, []byte]("echo")
	drive  = troupe.NewAction[driver, load, time.Duration]("drive")
)

// load is a number of calls, some of them in flight at a time.
type load struct{ Calls, InFlight int }

// run makes the calls and returns how long they took.
func (l load) run(ctx context.Context, call func(ctx context.Context, i int) error) (time.Duration, error) {
	began := time.Now()
	callers, ctx := errgroup.WithContext(ctx)
	for caller := range l.InFlight {
		callers.Go(func() error {
			for i := caller; i < l.Calls; i += l.InFlight {
				if err := call(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := callers.Wait()
	return time.Since(began), err
}

// actors is over how many echo actors calls are spread.
const actors = 16

func callEcho(c troupe.Caller, payload []byte) func(ctx context.Context, i int) error {
	refs := make([]echo, actors)
	for i := range refs {
		refs[i] = troupe.GetOrCreate[echo](c, fmt.Sprint(i))
	}
	return func(ctx context.Context, i int) error {
		_, err := echoIt.Call(ctx, refs[i%actors], payload)
		return err
	}
}

func requestEcho(nc *nats.Conn, payload []byte) func(ctx context.Context, i int) error {
	subjects := make([]string, actors)
	for i := range subjects {
		subjects[i] = fmt.Sprintf("plain.echo.%d.echo", i)
	}
	return func(_ context.Context, i int) error {
		_, err := nc.Request(subjects[i%actors], payload, bus.DefaultTimeout)
		return err
	}
}

// BenchmarkVersusPlainRequest compares an action call with a plain nats.Conn.Request to an echo subscriber, over the
// same connections and in turns. It reports the median, least and greatest ratio of the times of a turn: 1 is as fast
// as plain NATS, 2 takes twice as long.
func BenchmarkVersusPlainRequest(b *testing.B) {
	for _, transport := range []string{"tcp", "inprocess"} {
		for _, from := range []string{"client", "actor"} {
			for _, inFlight := range []int{1, 64, 256} {
				b.Run(fmt.Sprintf("%s/%s-to-actor/inflight=%d", transport, from, inFlight), func(b *testing.B) {
					versusPlain(b, transport == "tcp", from == "actor", inFlight)
				})
			}
		}
	}
}

func versusPlain(b *testing.B, tcp, fromActor bool, inFlight int) {
	b.Helper()
	server, err := bus.StartServer(bus.ServerOptions{Memory: true, InProcessOnly: !tcp})
	require.NoError(b, err)
	b.Cleanup(server.Shutdown)
	connect := func() *nats.Conn {
		dial := server.Connect
		if tcp {
			dial = func(o bus.Options) (*nats.Conn, error) { return bus.Connect(b.Context(), o) }
		}
		nc, err := dial(bus.Options{URL: server.URL()})
		require.NoError(b, err)
		b.Cleanup(nc.Close)
		return nc
	}
	near, far, payload := connect(), connect(), make([]byte, 32)
	config := actorhost.Config{Logger: slog.New(slog.DiscardHandler)}
	start := func(nc *nats.Conn, definition actorhost.Definition) {
		host, err := actorhost.Start(b.Context(), nc, config, definition)
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, host.Stop(context.Background())) })
	}
	start(far, actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(echoIt, func(_ *struct{}, _ *actorhost.Context, in []byte) ([]byte, error) { return in, nil })))
	start(near, actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(drive, func(_ *struct{}, c *actorhost.Context, l load) (time.Duration, error) {
			return l.run(c, callEcho(c, payload))
		})))
	_, err = far.Subscribe("plain.echo.>", func(msg *nats.Msg) { _ = msg.Respond(msg.Data) })
	require.NoError(b, err)
	require.NoError(b, far.Flush())
	cl, err := client.New(near)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, cl.Close(context.Background())) })

	ours := func(l load) (time.Duration, error) { return l.run(b.Context(), callEcho(cl, payload)) }
	if fromActor {
		driver := troupe.GetOrCreate[driver](cl, "d")
		ours = func(l load) (time.Duration, error) { return drive.Call(b.Context(), driver, l) }
	}
	plain := func(l load) (time.Duration, error) { return l.run(b.Context(), requestEcho(near, payload)) }

	turn := load{Calls: 400 + 40*inFlight, InFlight: inFlight}
	var ratios []float64
	var total time.Duration
	calls := 0
	for round := 0; b.Loop(); round++ {
		before, err := plain(turn)
		require.NoError(b, err)
		took, err := ours(turn)
		require.NoError(b, err)
		if round > 0 { // the first one wakes the actors
			ratios = append(ratios, float64(took)/float64(before))
			total += took
			calls += turn.Calls
		}
	}
	if len(ratios) == 0 {
		return
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-plain")
	b.ReportMetric(ratios[len(ratios)/10], "x-plain-p10")
	b.ReportMetric(ratios[len(ratios)*9/10], "x-plain-p90")
	b.ReportMetric(float64(calls)/total.Seconds(), "calls/s")
	b.ReportMetric(0, "ns/op")
}

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

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// echo answers with its input.
type echo struct{ troupe.Ref }

func (echo) ActorType() string { return "echo" }

var echoIt = troupe.NewAction[echo, []byte, []byte]("echo")

func echoes() actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(echoIt, func(_ *struct{}, _ *actorhost.Context, in []byte) ([]byte, error) { return in, nil }))
}

// connector makes connections to a server: as package bus does, and as nats.go does unless it is told otherwise.
type connector struct{ ours, plain func() (*nats.Conn, error) }

// serveEchoes answers actions, of echoes, links, tellers, counters and depots, and plain requests, on connections of their own, until it is stopped.
func serveEchoes(ctx context.Context, connect connector) (stop func(), err error) {
	far, err := connect.ours()
	if err != nil {
		return nil, err
	}
	plain, err := connect.plain()
	if err != nil {
		return nil, err
	}
	if _, err := plain.Subscribe("plain.>", func(msg *nats.Msg) { _ = msg.Respond(msg.Data) }); err != nil {
		return nil, err
	}
	if err := relayPlainly(plain); err != nil {
		return nil, err
	}
	if err := plain.Flush(); err != nil {
		return nil, err
	}
	outside, err := client.New(far, client.Config{})
	if err != nil {
		return nil, err
	}
	host, err := actorhost.Start(ctx, far, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, echoes(), links(), tellers(outside), counters(), depots(), yards(), strongrooms())
	if err != nil {
		return nil, err
	}
	return func() {
		_ = host.Stop(context.Background())
		_ = outside.Close(context.Background())
		plain.Close()
		far.Close()
	}, nil
}

// BenchmarkVersus compares action calls with plain nats.Conn.Request to an echo, over connections as nats.Connect makes
// them, in turns of the same length. With tcp the server, the host with the echo, and the caller are three processes; with
// inprocess they are one, without a socket. It reports, as medians over the rounds:
//
//	calls/s   of actions
//	x-plain   that as a multiple of the plain requests of the same round, with its least and its greatest: 2 is twice as
//	          many; with one call in flight it is that of the median times: 2 takes twice as long
//	cpu-x     the time of processors that a call takes in all processes together, as a multiple of what a plain request
//	          does: it hardly depends on what else the machine does
func BenchmarkVersus(b *testing.B) {
	for _, transport := range transports {
		b.Run(transport.name, func(b *testing.B) {
			at := transport.start(b)
			for _, actors := range []int{1, 100, 1000} {
				for _, inFlight := range []int{1, 64, 256, 1024} {
					b.Run(fmt.Sprintf("actors=%d/inflight=%d", actors, inFlight), func(b *testing.B) {
						versusEchoes(b, at, actors, inFlight)
					})
				}
			}
		})
	}
}

var transports = []struct {
	name  string
	start func(b *testing.B) stage
}{{"tcp", benchProcesses}, {"inprocess", benchInProcess}}

// stage is where a benchmark happens.
type stage struct {
	nc, plain *nats.Conn // of the client, and for plain requests
	client    *client.Client
	time      func() time.Duration // of processors, that all processes have taken so far
}

func newStage(b *testing.B, connect connector, time func() time.Duration) stage {
	b.Helper()
	nc, err := connect.ours()
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	plain, err := connect.plain()
	require.NoError(b, err)
	b.Cleanup(plain.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, cl.Close(context.Background())) })
	return stage{nc, plain, cl, time}
}

// benchProcesses starts a server and what answers, each in a process of its own.
func benchProcesses(b *testing.B) stage {
	b.Helper()
	server := startServer(b)
	echoes := startProcess(b, "echoes", server.url)
	return newStage(b, overTCP(b.Context(), server.url), func() time.Duration { return ownTime() + server.time(b) + echoes.time(b) })
}

func overTCP(ctx context.Context, url string) connector {
	return connector{
		ours:  func() (*nats.Conn, error) { return bus.Connect(ctx, bus.Config{URL: url}) },
		plain: func() (*nats.Conn, error) { return nats.Connect(url) },
	}
}

// runEchoes serves echoes at the server whose URL is its argument.
func runEchoes(args []string, _ map[string]func() string) (end func() error, err error) {
	ctx := context.Background()
	stop, err := serveEchoes(ctx, overTCP(ctx, args[0]))
	return func() error { stop(); return nil }, err
}

func benchInProcess(b *testing.B) stage {
	b.Helper()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true})
	require.NoError(b, err)
	b.Cleanup(server.Shutdown)
	connect := connector{
		ours:  func() (*nats.Conn, error) { return server.Connect(bus.Config{}) },
		plain: func() (*nats.Conn, error) { return nats.Connect("", nats.InProcessServer(server.InProcess())) },
	}
	stop, err := serveEchoes(b.Context(), connect)
	require.NoError(b, err)
	b.Cleanup(stop)
	return newStage(b, connect, ownTime)
}

// roundTime is how long each side has its turn.
const roundTime = 100 * time.Millisecond

func versusEchoes(b *testing.B, at stage, actors, inFlight int) {
	b.Helper()
	payload := make([]byte, 32)
	refs, subjects := make([]echo, actors), make([]string, actors)
	for i := range refs {
		refs[i], subjects[i] = troupe.GetOrCreate[echo](at.client, fmt.Sprint(i)), fmt.Sprintf("plain.echo.%d.echo", i)
	}
	plain := func(_ context.Context, i int) error {
		_, err := at.plain.Request(subjects[i%actors], payload, wire.DefaultTimeout)
		return err
	}
	ours := func(_ context.Context, i int) error { // like the other, without a context to watch
		_, err := echoIt.Call(context.Background(), refs[i%actors], payload)
		return err
	}
	_, err := load{Calls: max(actors, 2*inFlight), InFlight: inFlight}.run(b.Context(), ours) // wakes the actors
	require.NoError(b, err)
	versus(b, inFlight, side{at: at, call: plain}, side{at: at, call: ours})
}

// versus has two sides take turns.
func versus(b *testing.B, inFlight int, plain, ours side) {
	b.Helper()
	var ratios, costs, rates []float64
	for b.Loop() {
		require.NoError(b, plain.turn(b.Context(), inFlight))
		require.NoError(b, ours.turn(b.Context(), inFlight))
		if inFlight == 1 {
			ratios = append(ratios, median(ours.times)/median(plain.times))
		} else {
			ratios = append(ratios, ours.rate/plain.rate)
		}
		costs = append(costs, ours.cost/plain.cost)
		rates = append(rates, ours.rate)
	}
	b.ReportMetric(median(ratios), "x-plain")
	b.ReportMetric(slices.Min(ratios), "x-least")
	b.ReportMetric(slices.Max(ratios), "x-most")
	b.ReportMetric(median(costs), "cpu-x")
	b.ReportMetric(median(rates), "calls/s")
	b.ReportMetric(0, "ns/op")
}

// side is one of the two that take turns, and how its last turn went.
type side struct {
	at    stage
	call  func(ctx context.Context, i int) error
	rate  float64   // calls a second
	cost  float64   // nanoseconds of processors for a call
	times []float64 // nanoseconds, of the calls, when they were in flight one at a time
}

func (s *side) turn(ctx context.Context, inFlight int) (err error) {
	call := s.call
	if s.times = s.times[:0]; inFlight == 1 {
		call = func(ctx context.Context, i int) error {
			began := time.Now()
			err := s.call(ctx, i)
			s.times = append(s.times, float64(time.Since(began)))
			return err
		}
	}
	before := s.at.time()
	calls, took, err := runFor(ctx, roundTime, inFlight, call)
	s.rate, s.cost = float64(calls)/took.Seconds(), float64(s.at.time()-before)/float64(calls)
	return err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

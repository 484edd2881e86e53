package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// toldSubject is on which the loops of patrol boats tell of the first turn of each of their lives.
const toldSubject = "boats.told"

// boats are rovers that tell by which host they run, once for each time that their loop begins.
func boats(nc *nats.Conn) actorhost.ActorType[Rover, rover] {
	return rovers(func(l *roverLoop) error {
		host := ""
		if err := l.Turn(func(s *rover, c *actorhost.Context) error { s.Steps++; host = c.HostID(); return nil }); err != nil {
			return err
		}
		if err := nc.Publish(toldSubject, []byte(host+" "+l.Key()[0])); err != nil {
			return err
		}
		<-l.Done()
		return nil
	})
}

// runBoats runs a host with boats on the server that is its argument.
func runBoats(args []string, orders map[string]func() string) (end func() error, err error) {
	ctx, logger := context.Background(), slog.New(slog.DiscardHandler)
	nc, err := bus.Connect(ctx, bus.Config{URL: args[0], Logger: logger})
	if err != nil {
		return nil, err
	}
	host, err := actorhost.Start(ctx, nc, actorhost.Config{Logger: logger}, boats(nc))
	if err != nil {
		return nil, err
	}
	orders["id"] = host.ID
	orders["drain"] = func() string {
		began := time.Now()
		return fmt.Sprint(host.Stop(ctx), " ", int64(time.Since(began)))
	}
	return func() error { err := host.Stop(ctx); nc.Close(); return err }, nil
}

// boatFleet is a server, a client, and what the boats tell.
type boatFleet struct {
	url    string
	client *client.Client
	told   chan string
}

func startFleet(b *testing.B) *boatFleet {
	b.Helper()
	f := &boatFleet{url: startServer(b).url, told: make(chan string, 10_000)}
	nc, err := bus.Connect(b.Context(), bus.Config{URL: f.url})
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	_, err = nc.Subscribe(toldSubject, func(m *nats.Msg) { f.told <- string(m.Data) })
	require.NoError(b, err)
	require.NoError(b, nc.Flush())
	f.client, err = client.New(nc, client.Config{})
	require.NoError(b, err)
	b.Cleanup(func() { _ = f.client.Close(context.Background()) })
	return f
}

// launch has boats run.
func (f *boatFleet) launch(b *testing.B, boats int) {
	b.Helper()
	for i := range boats {
		require.NoError(b, call(b.Context(), Steps, troupe.GetOrCreate[Rover](f.client, fmt.Sprint(i)), nil))
	}
	f.await(b, boats)
}

// await waits until so many have told that they run.
func (f *boatFleet) await(b *testing.B, boats int) (hosts map[string]int) {
	b.Helper()
	hosts = make(map[string]int)
	for range boats {
		select {
		case told := <-f.told:
			host, _, _ := strings.Cut(told, " ")
			hosts[host]++
		case <-time.After(time.Minute):
			b.Fatalf("%v run, of %d", hosts, boats)
		}
	}
	return hosts
}

// BenchmarkLoopAfterKill kills the host of a loop with SIGKILL, and measures the time until the loop has taken its first turn on
// another host.
func BenchmarkLoopAfterKill(b *testing.B) {
	f := startFleet(b)
	host := startProcess(b, "boats", f.url)
	f.launch(b, 1)
	var took []time.Duration
	for b.Loop() {
		next := startProcess(b, "boats", f.url)
		began := time.Now()
		host.kill(b)
		f.await(b, 1)
		took = append(took, time.Since(began))
		host = next
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds(), "p50-s")
	b.ReportMetric(took[len(took)-1].Seconds(), "max-s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLoopsOfADrain stops a host with a thousand loops, and measures the time until the last runs on another.
func BenchmarkLoopsOfADrain(b *testing.B) {
	const loops = 1000
	f := startFleet(b)
	host := startProcess(b, "boats", f.url)
	f.launch(b, loops)
	var all, stops time.Duration
	for b.Loop() {
		next := startProcess(b, "boats", f.url)
		began := time.Now()
		var err string
		var stopped int64
		_, scanErr := fmt.Sscan(host.order(b, "drain"), &err, &stopped) // which returns when all are handed over
		require.NoError(b, scanErr)
		require.Equal(b, "<nil>", err)
		require.Len(b, f.await(b, loops), 1)
		all += time.Since(began)
		stops += time.Duration(stopped)
		host = next
	}
	b.ReportMetric(all.Seconds()/float64(b.N), "handed-over-s")
	b.ReportMetric(stops.Seconds()/float64(b.N), "stop-s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkIdleLoops measures what a loop takes that waits, beside the same actor without one.
func BenchmarkIdleLoops(b *testing.B) {
	const actors = 10_000
	for b.Loop() {
		var used [2]usage
		for i, kind := range []actorhost.Definition{
			actorhost.Define(func() rover { return rover{} }, actorhost.On(Steps, stepsOf)).Config(actorhost.TypeConfig{SleepAfter: time.Hour}),
			rovers(func(l *roverLoop) error { <-l.Done(); return nil }),
		} {
			host, c := startPair(b, kind)
			before := measure()
			for n := range actors {
				require.NoError(b, call(b.Context(), Steps, troupe.GetOrCreate[Rover](c, fmt.Sprint(n)), nil))
			}
			after := measure()
			used[i] = usage{Live: after.Live - before.Live, Goroutines: after.Goroutines - before.Goroutines}
			require.NoError(b, host.Stop(context.Background()))
		}
		b.ReportMetric(float64(used[1].Live-used[0].Live)/actors, "B/loop")
		b.ReportMetric(float64(used[1].Goroutines-used[0].Goroutines)/actors, "goroutines/loop")
	}
	b.ReportMetric(0, "ns/op")
}

func measure() (u usage) {
	runtime.GC()
	_, _ = fmt.Sscan(ownUsage(), &u.Live, &u.Taken, &u.Goroutines)
	return u
}

// startPair starts a server, a host and a client of it.
func startPair(b *testing.B, kind actorhost.Definition) (*actorhost.Host, *client.Client) {
	b.Helper()
	url := startServer(b).url
	var conns [2]*nats.Conn
	for i := range conns {
		var err error
		conns[i], err = bus.Connect(b.Context(), bus.Config{URL: url})
		require.NoError(b, err)
		b.Cleanup(conns[i].Close)
	}
	host, err := actorhost.Start(b.Context(), conns[0], actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, kind)
	require.NoError(b, err)
	b.Cleanup(func() { _ = host.Stop(context.Background()) })
	c, err := client.New(conns[1], client.Config{})
	require.NoError(b, err)
	return host, c
}

// BenchmarkLoopTurn is a turn of a loop that changes the state, beside the same as a call.
func BenchmarkLoopTurn(b *testing.B) {
	forward := troupe.NewAction[Rover, troupe.None, troupe.None]("forward")
	turns := make(chan int)
	var took atomic.Int64
	done := make(chan error)
	_, c := startPair(b, actorhost.Define(func() rover { return rover{} }, actorhost.On(Steps, stepsOf),
		actorhost.On(forward, actorhost.NoInNoOut(func(s *rover, _ *actorhost.Context) error { s.Steps++; return nil })),
	).Loop(func(l *roverLoop) error {
		for {
			select {
			case n := <-turns:
				began := time.Now()
				var err error
				for ; n > 0 && err == nil; n-- {
					err = step(l)
				}
				took.Store(int64(time.Since(began)))
				done <- err
			case <-l.Done():
				return nil
			}
		}
	}))
	r := troupe.GetOrCreate[Rover](c, "a")
	require.NoError(b, call(b.Context(), forward, r, nil))
	b.Run("turn", func(b *testing.B) {
		b.ResetTimer()
		turns <- b.N
		require.NoError(b, <-done)
	})
	b.Run("call", func(b *testing.B) {
		for range b.N {
			require.NoError(b, call(b.Context(), forward, r, nil))
		}
	})
}

package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// crate is an actor with a state of some size.
type crate struct{ troupe.Ref }

func (crate) ActorType() string { return "crate" }

var (
	weigh = troupe.NewAction[crate, troupe.None, int]("weigh")
	stamp = troupe.NewAction[crate, troupe.None, int]("stamp")
	fill  = troupe.NewAction[crate, int, troupe.None]("fill")
	put   = troupe.NewAction[crate, []byte, troupe.None]("put")
)

type crateState struct {
	Stamps  int
	Content []byte
}

// smallState is the size of most states, and of a new one.
const smallState = 200

func crates() actorhost.ActorType[crate, crateState] {
	return actorhost.Define(func() crateState { return crateState{Content: make([]byte, smallState)} },
		actorhost.On(weigh, actorhost.NoIn(func(s *crateState, _ *actorhost.Context) (int, error) { return len(s.Content), nil })),
		actorhost.On(stamp, actorhost.NoIn(func(s *crateState, _ *actorhost.Context) (int, error) { s.Stamps++; return s.Stamps, nil })),
		actorhost.On(fill, actorhost.NoOut(func(s *crateState, _ *actorhost.Context, size int) error {
			s.Content = make([]byte, size)
			return nil
		})),
		actorhost.On(put, actorhost.NoOut(func(s *crateState, _ *actorhost.Context, content []byte) error {
			s.Stamps, s.Content = s.Stamps+1, content
			return nil
		})))
}

// runCrates is a host of crates at the server whose URL is its argument. They sleep only when they are told to.
func runCrates(args []string, orders map[string]func() string) (end func() error, err error) {
	ctx := context.Background()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	nc, err := bus.Connect(ctx, bus.Config{URL: args[0], Name: hostName, Logger: logger})
	if err != nil {
		return nil, err
	}
	host, err := actorhost.Start(ctx, nc, actorhost.Config{Logger: logger}, crates().Config(actorhost.TypeConfig{SleepAfter: 24 * time.Hour}))
	if err != nil {
		return nil, err
	}
	orders["active"] = func() string { return fmt.Sprint(host.Active()) }
	return func() error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		err := host.Stop(ctx)
		nc.Close()
		return err
	}, nil
}

func startServerAndHost(b *testing.B) (server, host *process) {
	b.Helper()
	server = startServer(b)
	return server, startProcess(b, "crates", server.url)
}

const manyInFlight = 64

// envActors is how many actors BenchmarkMemory and BenchmarkReconnect have.
const envActors, defaultActors = "TROUPE_BENCH_ACTORS", 100_000

func numberOfActors(b *testing.B) int {
	b.Helper()
	text := os.Getenv(envActors)
	if text == "" {
		return defaultActors
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err)
	return n
}

func clientOf(b *testing.B, url string) (*client.Client, *nats.Conn) {
	b.Helper()
	nc, err := bus.Connect(b.Context(), bus.Config{URL: url})
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, cl.Close(context.Background())) })
	return cl, nc
}

// every calls every one of a number of actors, many at a time, and returns how many calls that were in a second.
func every(b *testing.B, what string, n int, call func(ctx context.Context, i int) error) float64 {
	b.Helper()
	var done atomic.Int64
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	if n >= defaultActors {
		go func() { // ends with the calls
			for tick := time.NewTicker(5 * time.Second); ; {
				select {
				case <-tick.C:
					fmt.Fprintf(os.Stderr, "%s: %d of %d\n", what, done.Load(), n)
				case <-ctx.Done():
					tick.Stop()
					return
				}
			}
		}()
	}
	took, err := load{Calls: n, InFlight: manyInFlight}.run(b.Context(), func(ctx context.Context, i int) error {
		defer done.Add(1)
		return call(ctx, i)
	})
	require.NoError(b, err)
	return float64(n) / took.Seconds()
}

func report(b *testing.B, unit string, values []float64) {
	b.Helper()
	slices.Sort(values)
	b.ReportMetric(values[len(values)/2], unit)
}

// BenchmarkActivation has actors come to life, 64 at a time: such as nobody has called before, each of which is created
// with a state of 200 bytes, and such as sleep. In turns with them it makes plain keys of 200 bytes in a bucket of the same
// server (Create of package jetstream), and reports the medians of the rates and of their ratios to those. Server, host
// and client are processes of their own.
func BenchmarkActivation(b *testing.B) {
	const keys = 4000
	server, host := startServerAndHost(b)
	cl, nc := clientOf(b, server.url)
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	plain, err := js.CreateKeyValue(b.Context(), jetstream.KeyValueConfig{Bucket: "plain"})
	require.NoError(b, err)
	value := make([]byte, smallState)
	turn := func(round int) (plainly, fresh, again float64) {
		key := func(i int) string { return fmt.Sprintf("%d-%d", round, i) }
		ref := func(i int) crate { return troupe.GetOrCreate[crate](cl, key(i)) }
		weighAll := func(ctx context.Context, i int) error { return call(ctx, weigh, ref(i), nil) }
		putToSleep := func(ctx context.Context, i int) error { return sleep(ctx, cl, ref(i)) }
		plainly = every(b, "plain", keys, func(ctx context.Context, i int) error {
			_, err := plain.Create(ctx, key(i), value)
			return err
		})
		fresh = every(b, "fresh", keys, weighAll)
		every(b, "sleep", keys, putToSleep)
		again = every(b, "asleep", keys, weighAll)
		every(b, "sleep", keys, putToSleep)
		return plainly, fresh, again
	}
	turn(0) // warms up
	var created, woken, toPlain, wokenToPlain []float64
	for round := 1; b.Loop(); round++ {
		plainly, fresh, again := turn(round)
		created, woken = append(created, fresh), append(woken, again)
		toPlain, wokenToPlain = append(toPlain, fresh/plainly), append(wokenToPlain, again/plainly)
	}
	// An actor tells that it sleeps as it leaves.
	require.Eventually(b, func() bool { return host.order(b, "active") == "0" }, 10*time.Second, time.Millisecond)
	report(b, "fresh/s", created)
	report(b, "fresh-x-plain", toPlain)
	report(b, "asleep/s", woken)
	report(b, "asleep-x-plain", wokenToPlain)
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMemory has many actors with a state of 200 bytes be active, then at rest, as nobody has called them for a
// moment, and then asleep, and reports what each costs the host and the server in memory: what is live, and what the
// processes have from the system. Both were asked to give back what they can before. TROUPE_BENCH_ACTORS is their number,
// 100,000 when it is not set.
func BenchmarkMemory(b *testing.B) {
	n := numberOfActors(b)
	for b.Loop() {
		memory(b, n)
	}
	b.ReportMetric(0, "ns/op")
}

func memory(b *testing.B, n int) {
	b.Helper()
	server, host := startServerAndHost(b)
	defer server.end(b)
	defer host.end(b)
	cl, _ := clientOf(b, server.url)
	ref := func(i int) crate { return troupe.GetOrCreate[crate](cl, strconv.Itoa(i)) }
	each := func(when string, p *process, who string, before usage) {
		now := p.usage(b)
		per := func(now, before uint64) float64 { return (float64(now) - float64(before)) / float64(n) }
		b.ReportMetric(per(now.Live, before.Live), who+"-"+when+"-B")
		b.ReportMetric(per(now.Taken, before.Taken), who+"-"+when+"-taken-B")
		b.ReportMetric(float64(now.Goroutines), who+"-"+when+"-goroutines")
	}
	call := func(ctx context.Context, i int) error { return call(ctx, weigh, ref(i), nil) }
	putToSleep := func(ctx context.Context, i int) error { return sleep(ctx, cl, ref(i)) }
	every(b, "first", manyInFlight, call) // for what the first ones cost
	every(b, "first", manyInFlight, putToSleep)
	serverBefore, hostBefore := server.usage(b), host.usage(b)
	every(b, "active", n, call)
	each("active", host, "host", hostBefore)
	each("active", server, "server", serverBefore)
	atRest(b, host)
	each("rest", host, "host", hostBefore)
	every(b, "asleep", n, putToSleep)
	require.Eventually(b, func() bool { return host.order(b, "active") == "0" }, 10*time.Second, time.Millisecond) // it answers a moment before
	each("asleep", host, "host", hostBefore)
	each("asleep", server, "server", serverBefore)
}

// atRest returns when the memory of a host or a server has not shrunk for a while: some seconds after it last did something.
func atRest(b *testing.B, p *process) {
	b.Helper()
	least, same := p.usage(b).Live, 0
	require.Eventually(b, func() bool {
		now := p.usage(b).Live
		if same++; now < least-least/100 {
			least, same = now, 0
		}
		return same == 4
	}, 5*time.Minute, 5*time.Second)
}

// sleep has an actor fall asleep.
func sleep(ctx context.Context, cl *client.Client, ref crate) error {
	return cl.Actor("crate", ref.ID().Key()...).Call(ctx, troupe.SleepAction, nil, nil)
}

// BenchmarkStateSize has actors change a state of 200 bytes, 10 KB and 200 KB, in turns, and reports the medians of the
// times that a call takes, in comparison with the smallest, one at a time and 64 at a time.
func BenchmarkStateSize(b *testing.B) {
	for _, inFlight := range []int{1, manyInFlight} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) { stateSize(b, inFlight) })
	}
}

func stateSize(b *testing.B, inFlight int) {
	b.Helper()
	const actors = 100
	sizes := []int{smallState, 10 << 10, 200 << 10}
	server, _ := startServerAndHost(b)
	cl, _ := clientOf(b, server.url)
	ref := func(size, i int) crate {
		return troupe.GetOrCreate[crate](cl, strconv.Itoa(size), strconv.Itoa(i%actors))
	}
	for _, size := range sizes {
		every(b, "fill", actors, func(ctx context.Context, i int) error { return call(ctx, fill, ref(size, i), size) })
	}
	l := load{Calls: 100 + 8*inFlight, InFlight: inFlight}
	ratios := make([][]float64, len(sizes))
	for b.Loop() {
		var smallest time.Duration
		for i, size := range sizes {
			took, err := l.run(b.Context(), func(ctx context.Context, i int) error { return call(ctx, stamp, ref(size, i), nil) })
			require.NoError(b, err)
			if i == 0 {
				smallest = took
			}
			ratios[i] = append(ratios[i], float64(took)/float64(smallest))
		}
	}
	report(b, "x-10KB", ratios[1])
	report(b, "x-200KB", ratios[2])
	b.ReportMetric(0, "ns/op")
}

// BenchmarkReconnect drops the connection of a host with many active actors, and reports how long it takes until each of
// some hundred of them, those that were called first and last among them, has answered a call that was made at once, and
// how many are active then: all, when none had to wake again. TROUPE_BENCH_ACTORS is their number.
func BenchmarkReconnect(b *testing.B) {
	n := numberOfActors(b)
	server, host := startServerAndHost(b)
	cl, _ := clientOf(b, server.url)
	call := func(ctx context.Context, i int) error {
		return call(ctx, weigh, troupe.GetOrCreate[crate](cl, strconv.Itoa(i)), nil)
	}
	every(b, "active", n, call)
	const asked = 256
	var seconds []float64
	for b.Loop() {
		began := time.Now()
		require.Equal(b, "<nil>", server.order(b, "drop"))
		_, err := load{Calls: asked, InFlight: asked}.run(b.Context(), func(ctx context.Context, i int) error {
			return call(ctx, i*(n-1)/(asked-1))
		})
		require.NoError(b, err)
		seconds = append(seconds, time.Since(began).Seconds())
		require.Equal(b, strconv.Itoa(n), host.order(b, "active"))
	}
	slices.Sort(seconds)
	b.ReportMetric(seconds[len(seconds)/2], "s")
	b.ReportMetric(seconds[len(seconds)-1], "s-most")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStop has a host stop that has many active actors, and reports how long it takes. TROUPE_BENCH_ACTORS is their
// number.
func BenchmarkStop(b *testing.B) {
	n := numberOfActors(b)
	var seconds []float64
	for b.Loop() {
		server, host := startServerAndHost(b)
		cl, _ := clientOf(b, server.url)
		every(b, "active", n, func(ctx context.Context, i int) error {
			return call(ctx, weigh, troupe.GetOrCreate[crate](cl, strconv.Itoa(i)), nil)
		})
		began := time.Now()
		host.end(b)
		seconds = append(seconds, time.Since(began).Seconds())
		server.end(b)
	}
	report(b, "s", seconds)
	b.ReportMetric(0, "ns/op")
}

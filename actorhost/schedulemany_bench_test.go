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
	"github.com/troupe-go/troupe/client"
)

// BenchmarkPending has many sleeping actors with one schedule each, far off, and reports what each costs: bytes of the server beside
// those of the same actors without, bytes and goroutines of the host; what the server and the host take of a processor while nothing
// happens, in percent; and how long a server takes that is started with all that was, in processor time of each too, beside that of a
// server with as many plain messages. TROUPE_BENCH_ACTORS is their number.
func BenchmarkPending(b *testing.B) {
	n := numberOfActors(b)
	for b.Loop() {
		pendingSchedules(b, n)
	}
	b.ReportMetric(0, "ns/op")
}

func pendingSchedules(b *testing.B, n int) {
	b.Helper()
	dir := b.TempDir()
	server := startProcess(b, "server", dir)
	server.url = server.order(b, "url")
	host := startProcess(b, "metronomes", server.url, "24h")
	cl, _ := clientOf(b, server.url)
	later := time.Now().Add(100 * time.Hour)
	bare := func(int) []winding { return nil }
	windAll(b, cl, manyInFlight, func(int) []winding { return []winding{{At: later}} }) // for what the first ones cost
	windAll(b, cl, n, bare)
	serverBefore, hostBefore := atRestUsage(b, server), atRestUsage(b, host)
	windAll(b, cl, n, func(i int) []winding { return []winding{{At: later.Add(time.Duration(i) * time.Millisecond)}} })
	serverAfter, hostAfter := atRestUsage(b, server), atRestUsage(b, host)
	each := func(after, before uint64) float64 { return (float64(after) - float64(before)) / float64(n) }
	b.ReportMetric(each(serverAfter.Live, serverBefore.Live), "server-B")
	b.ReportMetric(each(hostAfter.Live, hostBefore.Live), "host-B")
	b.ReportMetric(float64(hostAfter.Goroutines-hostBefore.Goroutines), "host-goroutines")

	idle := min(5*time.Second, time.Duration(n)*50*time.Microsecond)
	var serverIdle, hostIdle []float64
	for range 3 { // in one of them the host may look for alarms that are stuck
		serverTime, hostTime := server.time(b), host.time(b)
		time.Sleep(idle) //nolint:forbidigo // that nothing happens is what is measured
		serverIdle = append(serverIdle, 100*float64(server.time(b)-serverTime)/float64(idle))
		hostIdle = append(hostIdle, 100*float64(host.time(b)-hostTime)/float64(idle))
	}
	report(b, "server-idle-%", serverIdle)
	report(b, "host-idle-%", hostIdle)
	host.end(b)
	server.kill(b)

	plainDir := b.TempDir()
	plain := startProcess(b, "server", plainDir)
	fillPlain(b, plain.order(b, "url"), 2*n) // a record and an alarm
	plain.kill(b)
	for what, where := range map[string]string{"restart": dir, "plain-restart": plainDir} {
		began := time.Now()
		again := startProcess(b, "server", where)
		b.ReportMetric(time.Since(began).Seconds(), what+"-s")
		b.ReportMetric(float64(again.time(b).Microseconds())/float64(n), what+"-us")
		again.end(b)
	}
}

// atRestUsage is what a process takes when it has given back what it can.
func atRestUsage(b *testing.B, p *process) usage {
	b.Helper()
	if numberOfActors(b) >= defaultActors {
		atRest(b, p)
	}
	return p.usage(b)
}

func fillPlain(b *testing.B, url string, n int) {
	b.Helper()
	nc, err := nats.Connect(url)
	require.NoError(b, err)
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000))
	require.NoError(b, err)
	_, err = js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "plain", Subjects: []string{"plain.>"}, MaxMsgsPerSubject: 1})
	require.NoError(b, err)
	value := make([]byte, smallState)
	for i := range n {
		_, err := js.PublishAsync(fmt.Sprint("plain.", i), value, jetstream.WithStallWait(time.Minute))
		require.NoError(b, err)
	}
	<-js.PublishAsyncComplete()
}

// BenchmarkPastDue kills the server while many actors sleep that have something due before it is up again, starts it and a host, and
// reports how many strikes there are a second, beside the rate at which as many actors wake for calls; and the 99th of 100 calls of
// other actors, in milliseconds, then and when nothing else happens. TROUPE_BENCH_ACTORS is their number.
func BenchmarkPastDue(b *testing.B) {
	n := numberOfActors(b)
	for b.Loop() {
		pastDue(b, n)
	}
	b.ReportMetric(0, "ns/op")
}

func pastDue(b *testing.B, n int) {
	b.Helper()
	dir := b.TempDir()
	server := startProcess(b, "server", dir)
	url := server.order(b, "url")
	host := startProcess(b, "metronomes", url, "1s")
	cl, _ := clientOf(b, url)
	due := time.Now().Add(5*time.Second + time.Duration(n)*time.Millisecond)
	windAll(b, cl, n, func(i int) []winding { return []winding{{Number: i, At: due}} })
	woken := every(b, "asleep", n, func(ctx context.Context, i int) error { return call(ctx, turn, metronomeAt(cl, i), only) })
	sleepAll(b, cl, n)
	calm := otherCalls(b, cl, closedAfter(2*time.Second))
	require.Positive(b, time.Until(due))
	host.end(b)
	server.kill(b)
	time.Sleep(time.Until(due)) //nolint:forbidigo // a server that is down tells nothing
	began := time.Now()
	server = startProcess(b, "server", dir)
	url = server.order(b, "url")
	b.ReportMetric(time.Since(began).Seconds(), "restart-s")
	cl, nc := clientOf(b, url)
	heard := hearStrokes(b, nc, n)
	host = startProcess(b, "metronomes", url, "1s")
	began = time.Now()
	done := make(chan struct{})
	busy := make(chan []time.Duration)
	go func() { busy <- otherCalls(b, cl, done) }()
	heard.await(b, n, 10*time.Minute)
	took := time.Since(began)
	close(done)
	rate := float64(n) / took.Seconds()
	b.ReportMetric(rate, "strikes/s")
	b.ReportMetric(rate/woken, "x-woken")
	reportOthers(b, calm, <-busy)
	host.end(b)
	server.end(b)
}

func closedAfter(d time.Duration) chan struct{} {
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	return done
}

// otherCalls calls some other actors, one at a time, until done, and returns how long each call took.
func otherCalls(b *testing.B, cl *client.Client, done chan struct{}) (times []time.Duration) {
	b.Helper()
	for i := 0; ; i++ {
		select {
		case <-done:
			return times
		case <-time.After(time.Millisecond):
		}
		began := time.Now()
		if err := call(b.Context(), add, troupe.GetOrCreate[counter](cl, fmt.Sprint("other", i%16)), 1); err != nil {
			b.Error(err)
			return times
		}
		times = append(times, time.Since(began))
	}
}

func reportOthers(b *testing.B, calm, busy []time.Duration) {
	b.Helper()
	p99 := func(all []time.Duration) float64 {
		slices.Sort(all)
		return float64(all[len(all)*99/100].Microseconds()) / 1000
	}
	b.ReportMetric(p99(calm), "others-calm-p99-ms")
	b.ReportMetric(p99(busy), "others-p99-ms")
}

// BenchmarkHerd has many sleeping actors that all want the same time by a cron expression, and reports how long after that the last
// has run, and the most strikes of a second as a multiple of the mean: at once, and with Spread over half a minute, if they are many. Besides, what the
// host takes in memory, and the 99th of 100 calls of other actors, in milliseconds, then and before. TROUPE_BENCH_ACTORS is their number.
func BenchmarkHerd(b *testing.B) {
	n := numberOfActors(b)
	for name, spread := range map[string]time.Duration{"at once": 0, "spread": min(30*time.Second, time.Duration(n)*2*time.Millisecond)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				herd(b, n, spread)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func herd(b *testing.B, n int, spread time.Duration) {
	b.Helper()
	server := startServer(b)
	host := startProcess(b, "metronomes", server.url, "1s")
	cl, nc := clientOf(b, server.url)
	heard := hearStrokes(b, nc, n)
	due := time.Now().UTC().Add(6*time.Second + time.Duration(n)*500*time.Microsecond).Truncate(time.Second)
	expression := due.Format("5 4 15 2 1") + " *" // once a year
	windAll(b, cl, n, func(i int) []winding { return []winding{{Number: i, Cron: expression, Spread: spread}} })
	calm := otherCalls(b, cl, closedAfter(2*time.Second))
	before := host.usage(b)
	require.Positive(b, time.Until(due))
	time.Sleep(time.Until(due)) //nolint:forbidigo // the others are called from then on
	done := make(chan struct{})
	busy := make(chan []time.Duration)
	go func() { busy <- otherCalls(b, cl, done) }()
	heard.await(b, n, spread+10*time.Minute)
	close(done)
	b.ReportMetric(float64(host.usage(b).Taken-before.Taken)/(1<<20), "host-more-MB")
	reportOthers(b, calm, <-busy)
	counts := map[int64]int{}
	most, last := 0, time.Time{}
	for _, at := range heard.at {
		second := at.Unix()
		counts[second]++
		most = max(most, counts[second])
		if at.After(last) {
			last = at
		}
	}
	b.ReportMetric(last.Sub(due).Seconds(), "last-s")
	b.ReportMetric(float64(most)/(float64(n)/max(last.Sub(due).Seconds(), 1)), "second-most-x")
	host.end(b)
	server.end(b)
}

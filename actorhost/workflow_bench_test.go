package actorhost_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A Marathon has many steps.
type Marathon struct{ troupe.Ref }

func (Marathon) ActorType() string { return "marathon" }

type course struct {
	Laps int // steps
	Size int // bytes that each gives
	Rest time.Duration
}

type marathonState struct{ Laps int }

var (
	RunCourse = troupe.NewWorkflow[Marathon, course, int]("run")
	Lap       = troupe.NewAction[Marathon, troupe.None, int]("lap") // changes the state
)

func runCourse(w *actorhost.Flow[marathonState], c course) (int, error) {
	for range c.Laps {
		if _, err := actorhost.Step(w, "lap", func(*actorhost.StepContext) ([]byte, error) { return make([]byte, c.Size), nil }); err != nil {
			return 0, err
		}
	}
	if c.Rest > 0 {
		return c.Laps, w.Sleep("rest", c.Rest)
	}
	return c.Laps, nil
}

func marathons() actorhost.ActorType[Marathon, marathonState] {
	return actorhost.Define(func() marathonState { return marathonState{} },
		actorhost.OnWorkflow(RunCourse, runCourse),
		actorhost.On(Lap, actorhost.NoIn(func(s *marathonState, _ *actorhost.Context) (int, error) { s.Laps++; return s.Laps, nil })))
}

// BenchmarkWorkflow compares steps of a workflow with stored actions of a client, one after the other and in turns, and reports the
// time of a step as a multiple of an action's; how many writes a workflow of 100 steps makes beside the steps; and, for one of 1,000
// steps of 300 bytes, what is written as a multiple of what the steps have given.
func BenchmarkWorkflow(b *testing.B) {
	server := startServer(b)
	startProcess(b, "marathons", server.url, "24h")
	cl, nc := clientOf(b, server.url)
	written := countWritten(b, nc)
	runner := troupe.GetOrCreate[Marathon](cl, "actions")
	var ratios, writes, bytes []float64
	run := func(key string, c course) {
		ref := troupe.GetOrCreate[Marathon](cl, key)
		_, err := RunCourse.Run(b.Context(), ref, c)
		require.NoError(b, err)
	}
	n := 0
	for b.Loop() {
		const laps = 100
		n++
		began := time.Now()
		for range laps {
			_, err := Lap.Call(b.Context(), runner, nil)
			require.NoError(b, err)
		}
		actions := time.Since(began)
		before := written.messages.Load()
		began = time.Now()
		run(fmt.Sprint("steps", n), course{Laps: laps})
		ratios = append(ratios, float64(time.Since(began))/float64(actions))
		require.NoError(b, nc.Flush())
		writes = append(writes, float64(written.messages.Load()-before-laps))
		before = written.bytes.Load()
		run(fmt.Sprint("long", n), course{Laps: 1000, Size: 300})
		require.NoError(b, nc.Flush())
		bytes = append(bytes, float64(written.bytes.Load()-before)/(1000*300))
	}
	report(b, "step-x", ratios)
	report(b, "more-writes", writes)
	report(b, "1000-steps-bytes-x", bytes)
	b.ReportMetric(0, "ns/op")
}

type writtenCounts struct{ messages, bytes atomic.Int64 }

// countWritten counts what hosts store of actors: records, and what their journals have.
func countWritten(b *testing.B, nc *nats.Conn) *writtenCounts {
	b.Helper()
	var c writtenCounts
	for _, subject := range []string{"$KV.troupe-actors.>", "troupe.journal.>", "$KV.troupe-subscriptions.>"} {
		_, err := nc.Subscribe(subject, func(m *nats.Msg) {
			if strings.HasSuffix(m.Subject, "._turn") {
				return
			}
			c.messages.Add(1)
			c.bytes.Add(int64(len(m.Data)))
		})
		require.NoError(b, err)
	}
	return &c
}

// BenchmarkWorkflowsAsleep has many workflows that wait for hours, and reports what each costs the host and the server. TROUPE_BENCH_ACTORS
// is their number.
func BenchmarkWorkflowsAsleep(b *testing.B) {
	n := numberOfActors(b)
	for b.Loop() {
		server := startServer(b)
		host := startProcess(b, "marathons", server.url, "1s")
		cl, _ := clientOf(b, server.url)
		start := func(prefix string, n int) {
			every(b, prefix, n, func(ctx context.Context, i int) error {
				return RunCourse.Start(ctx, troupe.GetOrCreate[Marathon](cl, fmt.Sprint(prefix, i)), course{Laps: 3, Size: 100, Rest: 100 * time.Hour})
			})
			require.Eventually(b, func() bool { return host.order(b, "active") == "0" }, 5*time.Minute, 100*time.Millisecond)
		}
		start("first", manyInFlight)
		serverBefore, hostBefore := atRestUsage(b, server), atRestUsage(b, host)
		start("asleep", n)
		serverAfter, hostAfter := atRestUsage(b, server), atRestUsage(b, host)
		b.ReportMetric((float64(hostAfter.Live)-float64(hostBefore.Live))/float64(n), "host-B")
		b.ReportMetric(float64(hostAfter.Goroutines-hostBefore.Goroutines), "host-goroutines")
		b.ReportMetric((float64(serverAfter.Live)-float64(serverBefore.Live))/float64(n), "server-B")
		host.end(b)
		server.end(b)
	}
	b.ReportMetric(0, "ns/op")
}

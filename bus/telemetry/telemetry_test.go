package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus/telemetry"
	"github.com/troupe-go/troupe/client"
)

// A Desk passes letters on to another one.
type Desk struct{ troupe.Ref }

func (Desk) ActorType() string { return "desk" }

var (
	Pass     = troupe.NewAction[Desk, string, string]("pass")
	Stamp    = troupe.NewAction[Desk, string, string]("stamp")
	Watch    = troupe.NewAction[Desk, string, troupe.None]("watch")
	Archive  = troupe.NewQueue[Desk, string]("archive")
	Stamped  = troupe.NewEvent[Desk, string]("stamped")
	Archived = troupe.NewDurableEvent[Desk, string]("archived")

	errTorn = troupe.NewError("torn", "the letter is torn")
)

type deskState struct{ Letters []string }

func desks() actorhost.Definition {
	return actorhost.Define(func() deskState { return deskState{} },
		actorhost.On(Pass, func(_ *deskState, c *actorhost.Context, to string) (string, error) {
			return Stamp.Call(c, troupe.GetOrCreate[Desk](c, to), "a letter")
		}),
		actorhost.On(Stamp, func(s *deskState, c *actorhost.Context, letter string) (string, error) {
			switch letter {
			case "torn":
				return "", errTorn
			case "burning":
				return "", errors.New("fire")
			}
			s.Letters = append(s.Letters, letter)
			return letter, Stamped.Broadcast(c, letter)
		}),
		actorhost.On(Watch, actorhost.NoOut(func(_ *deskState, c *actorhost.Context, whom string) error {
			other := troupe.GetOrCreate[Desk](c, whom)
			_, err := Stamped.Subscribe(c, other, func(context.Context, string) error { return nil })
			return errors.Join(err, Archived.SubscribeDurable(c, other))
		})),
		actorhost.OnQueue(Archive, func(_ *deskState, c *actorhost.Context, letter string) error { return Archived.Broadcast(c, letter) }),
	).OnEvents(actorhost.OnEvent(Archived, func(*deskState, *actorhost.Context, string) error { return nil }))
}

// seen is a Telemetry with what it has made.
type seen struct {
	*telemetry.Telemetry

	spans  *tracetest.SpanRecorder
	reader *sdkmetric.ManualReader
}

func observe(t *testing.T) seen {
	t.Helper()
	s := seen{spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	var err error
	s.Telemetry, err = telemetry.New(telemetry.Config{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans)),
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.reader)),
	})
	require.NoError(t, err)
	return s
}

// named waits for the spans of a name that have ended.
func (s seen) named(t *testing.T, name string, count int) (found []sdktrace.ReadOnlySpan) {
	t.Helper()
	require.Eventually(t, func() bool {
		found = slices.DeleteFunc(s.spans.Ended(), func(span sdktrace.ReadOnlySpan) bool { return span.Name() != name })
		return len(found) >= count
	}, 10*time.Second, time.Millisecond, name)
	require.Len(t, found, count, name)
	return found
}

func kind(spans []sdktrace.ReadOnlySpan, k trace.SpanKind) sdktrace.ReadOnlySpan {
	for _, span := range spans {
		if span.SpanKind() == k {
			return span
		}
	}
	return nil
}

func requireParent(t *testing.T, child, parent sdktrace.ReadOnlySpan) {
	t.Helper()
	require.Equal(t, parent.SpanContext().TraceID(), child.SpanContext().TraceID(), child.Name())
	require.Equal(t, parent.SpanContext().SpanID(), child.Parent().SpanID(), "%s %s", child.Name(), child.SpanKind())
}

// requireOneTrace checks that a call to the front, which calls the back, has made four spans.
func (s seen) requireOneTrace(t *testing.T) {
	t.Helper()
	passed, stamped := s.named(t, "desk/pass", 2), s.named(t, "desk/stamp", 2)
	first := kind(passed, trace.SpanKindClient)
	require.False(t, first.Parent().IsValid())
	requireParent(t, kind(passed, trace.SpanKindServer), first)
	requireParent(t, kind(stamped, trace.SpanKindClient), kind(passed, trace.SpanKindServer))
	requireParent(t, kind(stamped, trace.SpanKindServer), kind(stamped, trace.SpanKindClient))
}

func TestOneTraceOfACall(t *testing.T) {
	t.Parallel()
	for name, hosts := range map[string]int{"one host": 1, "two hosts": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := observe(t), hosttest.Start(t)
			for range hosts {
				b.HostWith(actorhost.Config{Intercept: s.Intercept}, desks())
			}
			cl := b.NewClient(client.Config{Intercept: s.Intercept})
			_, err := Pass.Call(t.Context(), troupe.GetOrCreate[Desk](cl, "front"), "back")
			require.NoError(t, err)
			s.requireOneTrace(t)
		})
	}
}

// A call that is sent again, to a host that takes the actor over, has one turn, and that has one span.
func TestOneServerSpanOfACallThatIsSentAgain(t *testing.T) {
	t.Parallel()
	s, b := observe(t), hosttest.Start(t)
	first := b.HostWith(actorhost.Config{Intercept: s.Intercept}, desks())
	cl := b.NewClient(client.Config{Intercept: s.Intercept})
	ref := troupe.GetOrCreate[Desk](cl, "a")
	_, err := Stamp.Call(t.Context(), ref, "one")
	require.NoError(t, err)
	b.HostWith(actorhost.Config{Intercept: s.Intercept}, desks())
	b.Kill(first)
	_, err = Stamp.Call(t.Context(), ref, "two")
	require.NoError(t, err)
	spans := s.named(t, "desk/stamp", 4)
	second := spans[2:]
	requireParent(t, kind(second, trace.SpanKindServer), kind(second, trace.SpanKindClient))
}

func TestCallsInABatchHaveTheirOwnTraces(t *testing.T) {
	t.Parallel()
	s, b := observe(t), hosttest.Start(t)
	b.HostWith(actorhost.Config{Intercept: s.Intercept}, desks())
	cl := b.NewClient(client.Config{Intercept: s.Intercept})
	var calls sync.WaitGroup
	for i := range 64 {
		calls.Go(func() {
			if _, err := Stamp.Call(t.Context(), troupe.GetOrCreate[Desk](cl, fmt.Sprint(i%8)), "a letter"); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	byTrace := make(map[trace.TraceID][]sdktrace.ReadOnlySpan)
	for _, span := range s.named(t, "desk/stamp", 128) {
		byTrace[span.SpanContext().TraceID()] = append(byTrace[span.SpanContext().TraceID()], span)
	}
	require.Len(t, byTrace, 64)
	for _, spans := range byTrace {
		require.Len(t, spans, 2)
		requireParent(t, kind(spans, trace.SpanKindServer), kind(spans, trace.SpanKindClient))
	}
}

func TestEventsAndMessages(t *testing.T) {
	t.Parallel()
	s, b := observe(t), hosttest.Start(t)
	b.HostWith(actorhost.Config{Intercept: s.Intercept}, desks())
	cl := b.NewClient(client.Config{Intercept: s.Intercept})
	ref := troupe.GetOrCreate[Desk](cl, "a")
	_, err := Stamped.Subscribe(t.Context(), ref, func(ctx context.Context, _ string) error { return nil })
	require.NoError(t, err)
	_, err = Watch.Call(t.Context(), troupe.GetOrCreate[Desk](cl, "watcher"), "a")
	require.NoError(t, err)
	_, err = Stamp.Call(t.Context(), ref, "a letter")
	require.NoError(t, err)
	published := s.named(t, "publish desk/stamped", 1)[0]
	requireParent(t, published, kind(s.named(t, "desk/stamp", 2), trace.SpanKindServer))
	for _, handled := range s.named(t, "process desk/stamped", 2) { // in the program and in the watcher
		requireParent(t, handled, published)
	}

	require.NoError(t, Archive.Push(t.Context(), ref, "a letter"))
	pushed, kept := s.named(t, "push desk/archive", 1)[0], s.named(t, "process desk/archive", 1)[0]
	require.False(t, kept.Parent().IsValid(), "a trace of its own")
	require.Equal(t, pushed.SpanContext().SpanID(), kept.Links()[0].SpanContext.SpanID())
	archived := s.named(t, "publish desk/archived", 1)[0]
	requireParent(t, archived, kept)
	heard := s.named(t, "process desk/archived", 1)[0]
	require.False(t, heard.Parent().IsValid())
	require.NotEqual(t, archived.SpanContext().TraceID(), heard.SpanContext().TraceID())
	require.Equal(t, archived.SpanContext().SpanID(), heard.Links()[0].SpanContext.SpanID())
}

// series are the names and attributes of all metrics.
func (s seen) series(t *testing.T) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, s.reader.Collect(t.Context(), &all))
	series := make(map[string]float64)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					series[m.Name+" "+p.Attributes.Encoded(encoder)] = float64(p.Count)
				}
			case metricdata.Sum[float64]:
				for _, p := range data.DataPoints {
					series[m.Name+" "+p.Attributes.Encoded(encoder)] = p.Value
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					series[m.Name+" "+p.Attributes.Encoded(encoder)] = p.Value
				}
			}
		}
	}
	return series
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s, b := observe(t), hosttest.Start(t)
	host := b.HostWith(actorhost.Config{Intercept: s.Intercept}, desks())
	stop, err := s.Observe(host.Figures)
	require.NoError(t, err)
	cl := b.NewClient(client.Config{Intercept: s.Intercept})
	stamp := func(key, letter string) {
		_, err := Stamp.Call(t.Context(), troupe.GetOrCreate[Desk](cl, key), letter)
		require.Equal(t, letter == "torn" || letter == "burning", err != nil)
	}
	for _, letter := range []string{"a", "torn", "torn", "burning"} {
		stamp("0", letter)
	}
	got := s.series(t)
	for name, want := range map[string]float64{
		"rpc.client.call.duration rpc.method=desk/stamp,rpc.system.name=troupe":                                                                                              1,
		"rpc.client.call.duration error.type=torn,rpc.method=desk/stamp,rpc.system.name=troupe":                                                                              2,
		"rpc.server.call.duration error.type=internal,rpc.method=desk/stamp,rpc.system.name=troupe":                                                                          1,
		"messaging.client.operation.duration messaging.destination.name=desk/stamped,messaging.operation.name=publish,messaging.operation.type=send,messaging.system=troupe": 1,
		"troupe.turn.wait rpc.method=desk/stamp,rpc.system.name=troupe":                                                                                                      1,
		"troupe.actors.awake troupe.actor.type=desk":                                                                                                                         1,
		"troupe.errors error.type=torn,troupe.actor.type=desk,troupe.error.own=true,troupe.turn.kind=action,troupe.turn.name=stamp":                                          2,
		"troupe.errors error.type=internal,troupe.actor.type=desk,troupe.error.own=false,troupe.turn.kind=action,troupe.turn.name=stamp":                                     1,
		"troupe.turns troupe.actor.type=desk,troupe.turn.kind=action,troupe.turn.name=stamp":                                                                                 4,
		"troupe.wakes troupe.wake=created": 1,
	} {
		require.Contains(t, got, name)
		require.InDelta(t, want, got[name], 0, name)
	}
	failed := kind(s.named(t, "desk/stamp", 8)[2:4], trace.SpanKindServer)
	require.Equal(t, "Unset", failed.Status().Code.String(), "an answer of the actor is no fault")

	// More actors make no more series.
	for i := range 500 {
		stamp(fmt.Sprint(i), "a")
	}
	require.Equal(t, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(s.series(t))))
	require.NoError(t, stop())
	require.NotContains(t, s.series(t), "troupe.actors.awake troupe.actor.type=desk")
}

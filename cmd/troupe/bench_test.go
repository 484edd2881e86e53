package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

func TestBench(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	got := p.run(t.Context(), "bench", "room", "a", "add", "1", "--count", "103", "--rounds", "4", "-c", "8")
	require.Equal(t, exitOK, got.code, got.err)
	require.Empty(t, got.err, "no progress where nobody looks")
	lines := strings.Split(regexp.MustCompile(`\d[\d.]*`).ReplaceAllString(got.out, "N"), "\n")
	require.Equal(t, `room "a" add: N in flight, N actor`, lines[0])
	require.Equal(t, []string{"CALLS", "A", "SECOND", "pN", "pN", "pN", "pN", "max"}, strings.Fields(lines[2]))
	require.Regexp(t, `^actor +N +N( +N [mµ]s){5}$`, lines[3])
	require.Regexp(t, `^plain +N +N( +N [mµ]s){5}$`, lines[4])
	require.Equal(t, []string{"", "A call takes Nx the time of a plain request (Nx to Nx in N rounds).", ""}, lines[5:])
	require.Equal(t, result{exitOK, "105\n", ""}, p.run(t.Context(), "call", "room", "a", "add", "0"), "with two to warm up")
}

func TestBenchAsJSON(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	got := p.run(t.Context(), "bench", "room", "org/a", "sell", `{"id":7,"left":1}`, "-n", "40", "-k", "3", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	var report struct {
		Keys         int
		Actor, Plain measured
		Ratio        ratio
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &report), got.out)
	require.Equal(t, 3, report.Keys)
	for _, m := range []measured{report.Actor, report.Plain} {
		require.EqualValues(t, 40, m.Calls)
		require.Positive(t, m.PerSecond)
		require.Empty(t, m.Errors)
		require.LessOrEqual(t, m.Latency["p50"], m.Latency["max"])
	}
	require.Equal(t, 5, report.Ratio.Rounds)
	require.LessOrEqual(t, report.Ratio.Min, report.Ratio.Median)
	require.LessOrEqual(t, report.Ratio.Median, report.Ratio.Max)
	for _, key := range []string{"org/a-1", "org/a-2", "org/a-3"} {
		require.Equal(t, exitOK, p.run(t.Context(), "info", "room", key).code, key)
	}
	got = p.run(t.Context(), "bench", "room", "", "add", "1", "-d", "50ms", "-k", "2", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, exitOK, p.run(t.Context(), "info", "room", "2").code)
}

func TestBenchOfWhatFails(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	got := p.run(t.Context(), "bench", "room", "a", "sell", `{"left":4}`, "-n", "10")
	require.Equal(t, exitActor, got.code)
	require.Contains(t, got.err, "error out_of_stock: only 3 left")
	for args, code := range map[string]int{
		"rooom a add 1":           exitNotFound,
		"room a subtract 1":       exitNotFound,
		`room a add "five"`:       exitUsage,
		"room a add {":            exitUsage,
		"room a a.b":              exitUsage,
		"room a//b add 1":         exitUsage,
		"room a add 1 -n 3":       exitUsage,
		"room a add 1 -n -10":     exitUsage,
		"room a add 1 -c 0":       exitUsage,
		"room a add 1 -k 0":       exitUsage,
		"room a add 1 -d 0s":      exitUsage,
		"room a add 1 --rounds 0": exitUsage,
	} {
		got := p.run(t.Context(), append([]string{"bench", "-n", "10"}, strings.Fields(args)...)...)
		require.Equal(t, code, got.code, "%s: %s", args, got.err)
		require.Empty(t, got.out, args)
	}
}

func TestBenchCountsWhatFails(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	got := p.run(t.Context(), "bench", "room", "a", "sometimes", "-n", "40", "-c", "1", "--rounds", "2")
	require.Equal(t, exitOK, got.code, got.err)
	require.NotContains(t, got.out, "A call takes", "there is no round without a failure")
	require.True(t, strings.HasSuffix(got.out, "\nFailed calls:\n  odd                  20\n"), got.out)
}

func TestBenchEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan result, 1)
	go func() { ended <- p.run(ctx, "bench", "room", "a", "add", "1", "-d", "1h", "--rounds", "1000000") }()
	require.Eventually(t, func() bool {
		var state struct{ Sum int }
		got := p.run(t.Context(), "state", "get", "room", "a")
		return got.code == exitOK && json.Unmarshal([]byte(got.out), &state) == nil && state.Sum > 100
	}, 30*time.Second, 10*time.Millisecond)
	interrupt()
	got := <-ended
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "A call takes ", "what was measured so far")
}

func TestTally(t *testing.T) {
	t.Parallel()
	all := newTally()
	for part := range 10 {
		some := newTally()
		for i := range 100 {
			some.add(time.Duration(part*100+i+1)*time.Millisecond, nil)
		}
		some.add(time.Second, context.Canceled)
		some.took = time.Second
		all.merge(some)
	}
	require.InDelta(t, 100, all.rate(), 0.001)
	require.Equal(t, map[string]int{"canceled": 10}, all.errors)
	require.ErrorIs(t, all.first, context.Canceled)
	for percent, want := range map[float64]time.Duration{
		50: 500 * time.Millisecond, 99: 990 * time.Millisecond, 99.9: 999 * time.Millisecond, 100: time.Second,
	} {
		require.InEpsilon(t, want, all.percentile(percent), 0.002)
	}
	for want, d := range map[string]time.Duration{
		"999 µs": 999 * time.Microsecond, "1.50 ms": 1500 * time.Microsecond, "15.0 ms": 15 * time.Millisecond,
		"1500 ms": 1500 * time.Millisecond, "15.0 s": 15 * time.Second,
	} {
		require.Equal(t, want, formatLatency(d))
	}
}

func TestLoadMakesSoManyCalls(t *testing.T) {
	t.Parallel()
	var made, done atomic.Int64
	all := newTally()
	load{inFlight: 7, calls: 100, done: &done}.run(t.Context(), all, func(_ context.Context, call int) error {
		made.Add(1)
		if call%4 == 0 {
			return errors.New("no")
		}
		return nil
	})
	require.EqualValues(t, 100, made.Load())
	require.EqualValues(t, 100, done.Load())
	require.EqualValues(t, 75, all.times.TotalCount())
	require.Equal(t, map[string]int{"failed": 25}, all.errors)
}

func TestProgressEnds(t *testing.T) {
	t.Parallel()
	for _, bench := range []benchCommand{{Count: 10}, {Duration: time.Hour}} {
		var shown bytes.Buffer
		m := measurement{bench: &bench, done: new(atomic.Int64)}
		total, done := m.progress()
		showProgress(&shown, "measuring", total, done)()
		require.Contains(t, shown.String(), "measuring")
	}
}

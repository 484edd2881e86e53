package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// percentiles are the percentiles in the report.
var percentiles = []struct {
	name    string
	percent float64
}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// measured is a tally as bench --json prints it.
type measured struct {
	Calls     int64              `json:"calls"` // that succeeded
	PerSecond float64            `json:"per_second"`
	Latency   map[string]float64 `json:"latency_ms"`
	Errors    map[string]int     `json:"errors"` // by code
}

// ratio is the time of a call divided by that of a plain request.
type ratio struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Rounds int     `json:"rounds"`
}

// newRatio summarises the rounds. Without rounds there is no ratio.
func newRatio(rounds []float64) *ratio {
	if len(rounds) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(rounds))
	return &ratio{sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1], len(sorted)}
}

// benchReport is what the verb bench prints.
type benchReport struct {
	subject  string // what was measured
	inFlight int
	keys     int
	actor    *tally
	plain    *tally
	ratio    *ratio // nil: in each round a call failed
}

func (r benchReport) print(e env) error {
	if e.json {
		return e.printLine(struct {
			InFlight int      `json:"in_flight"`
			Keys     int      `json:"keys"`
			Actor    measured `json:"actor"`
			Plain    measured `json:"plain"`
			Ratio    *ratio   `json:"ratio"`
		}{r.inFlight, r.keys, r.actor.measured(), r.plain.measured(), r.ratio})
	}
	fmt.Fprintf(e.out, "%s: %d in flight, %d %s\n\n", r.subject, r.inFlight, r.keys, plural("actor", r.keys))
	fmt.Fprintln(e.out, r.table(e.terminal))
	if of := r.ratio; of != nil {
		fmt.Fprintf(e.out, "\nA call takes %.2fx the time of a plain request (%.2fx to %.2fx in %d %s).\n",
			of.Median, of.Min, of.Max, of.Rounds, plural("round", of.Rounds))
	}
	for _, failed := range []struct {
		what   string
		counts map[string]int
	}{{"Failed calls", r.actor.errors}, {"Failed plain requests", r.plain.errors}} {
		if len(failed.counts) == 0 {
			continue
		}
		fmt.Fprintf(e.out, "\n%s:\n", failed.what)
		for _, code := range slices.Sorted(maps.Keys(failed.counts)) {
			fmt.Fprintf(e.out, "  %-20s %d\n", stripControls(code), failed.counts[code])
		}
	}
	return nil
}

func (t *tally) measured() measured {
	latency := make(map[string]float64, len(percentiles))
	for _, p := range percentiles {
		latency[p.name] = float64(t.percentile(p.percent)) / float64(time.Millisecond)
	}
	return measured{Calls: t.times.TotalCount(), PerSecond: t.rate(), Latency: latency, Errors: t.errors}
}

func (r benchReport) table(t terminal) string {
	header, numbers := table.Row{"", "CALLS", "A SECOND"}, []string{"CALLS", "A SECOND"}
	for _, p := range percentiles {
		header, numbers = append(header, p.name), append(numbers, p.name)
	}
	w := newTable(t, numbers...)
	w.AppendHeader(header)
	for _, line := range []struct {
		name string
		t    *tally
	}{{"actor", r.actor}, {"plain", r.plain}} {
		row := table.Row{line.name, line.t.times.TotalCount(), fmt.Sprintf("%.0f", line.t.rate())}
		for _, p := range percentiles {
			row = append(row, formatLatency(line.t.percentile(p.percent)))
		}
		w.AppendRow(row)
	}
	return w.Render()
}

// formatLatency formats a latency with three digits.
func formatLatency(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms < 1:
		return fmt.Sprintf("%d µs", d/time.Microsecond)
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func plural(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

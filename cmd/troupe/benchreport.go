package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// percentiles are those of the report.
var percentiles = []struct {
	name    string
	percent float64
}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// measured is a tally as bench --json writes it.
type measured struct {
	Calls     int64              `json:"calls"` // that succeeded
	PerSecond float64            `json:"per_second"`
	Latency   map[string]float64 `json:"latency_ms"`
	Errors    map[string]int     `json:"errors"` // by code
}

// ratio is the time of a call over that of a plain request.
type ratio struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Rounds int     `json:"rounds"`
}

func (m *measurement) ratio() *ratio {
	if len(m.ratios) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(m.ratios))
	return &ratio{sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1], len(sorted)}
}

func (m *measurement) print(e env, subject string) error {
	r := m.ratio()
	if e.json {
		return e.printLine(struct {
			InFlight int      `json:"in_flight"`
			Keys     int      `json:"keys"`
			Actor    measured `json:"actor"`
			Plain    measured `json:"plain"`
			Ratio    *ratio   `json:"ratio"` // null: in each round a call failed
		}{m.bench.InFlight, m.bench.Keys, m.calls.measured(), m.plains.measured(), r})
	}
	fmt.Fprintf(e.out, "%s: %d in flight, %d %s\n\n", subject, m.bench.InFlight, m.bench.Keys, plural("actor", m.bench.Keys))
	fmt.Fprintln(e.out, benchTable(e.terminal, m.calls, m.plains))
	if r != nil {
		fmt.Fprintf(e.out, "\nA call takes %.2fx the time of a plain request (%.2fx to %.2fx in %d %s).\n",
			r.Median, r.Min, r.Max, r.Rounds, plural("round", r.Rounds))
	}
	for _, failed := range []struct {
		what   string
		counts map[string]int
	}{{"Failed calls", m.calls.errors}, {"Failed plain requests", m.plains.errors}} {
		if len(failed.counts) == 0 {
			continue
		}
		fmt.Fprintf(e.out, "\n%s:\n", failed.what)
		for _, code := range slices.Sorted(maps.Keys(failed.counts)) {
			fmt.Fprintf(e.out, "  %-20s %d\n", oneLine(code), failed.counts[code])
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

func benchTable(t terminal, calls, plains *tally) string {
	header, numbers := table.Row{"", "CALLS", "A SECOND"}, []string{"CALLS", "A SECOND"}
	for _, p := range percentiles {
		header, numbers = append(header, p.name), append(numbers, p.name)
	}
	w := newTable(t, numbers...)
	w.AppendHeader(header)
	for _, line := range []struct {
		name string
		t    *tally
	}{{"actor", calls}, {"plain", plains}} {
		row := table.Row{line.name, line.t.times.TotalCount(), fmt.Sprintf("%.0f", line.t.rate())}
		for _, p := range percentiles {
			row = append(row, shortTime(line.t.percentile(p.percent)))
		}
		w.AppendRow(row)
	}
	return w.Render()
}

// shortTime is a latency with three digits.
func shortTime(d time.Duration) string {
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

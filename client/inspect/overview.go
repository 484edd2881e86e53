package inspect

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// overviewData is what the first page shows.
type overviewData struct {
	Hosts    []hostRow
	Silent   int
	Awake    int
	Now      span
	All      figures // of Now
	P50, P99 time.Duration
	Charts   []chart
	Running  []wire.RunningTurn
	More     int // what runs for long beside those
	Turns    []wire.TurnFigures
	Left     int // turns that are not shown
	Errors   []codeRow
	Types    []string
}

// hostRow is a host in the table.
type hostRow struct {
	look.Host

	Awake   int
	Sum     figures
	Problem string // why it says nothing
}

// codeRow is how often an error has come since the hosts have started.
type codeRow struct {
	Code string
	Own  bool // actors return it on purpose
	N    int64
}

// mostTurns is how many rows a table of turns has.
const mostTurns = 40

func (p *pages) overview(ctx context.Context, _ *http.Request, page *page) (any, error) {
	seen, err := p.samples.last(ctx)
	if err != nil {
		return nil, err
	}
	page.At = seen.all.At
	now, before := p.samples.recent(everywhere)
	data := overviewData{
		Silent: seen.all.Silent, Awake: seen.all.Awake, Now: now, All: together(now.Turns), Charts: charts(before),
		Running: seen.all.Running, More: seen.all.More, Errors: codesOf(seen.all.Turns),
	}
	data.P50, data.P99 = data.All.Total.Quantile(usual), data.All.Total.Quantile(rare)
	data.Turns = now.Turns[:min(len(now.Turns), mostTurns)]
	data.Left = len(now.Turns) - len(data.Turns)
	types := make(map[string]bool)
	for _, h := range seen.hosts {
		for _, name := range h.Types {
			types[name] = true
		}
		data.Hosts = append(data.Hosts, rowOf(h))
	}
	data.Types = slices.Sorted(maps.Keys(types))
	return data, nil
}

// codesOf are the errors of all turns, those that hosts make first.
func codesOf(turns []wire.TurnFigures) (rows []codeRow) {
	sums := make(map[codeRow]int64)
	for i := range turns {
		for code, n := range turns[i].Errors {
			sums[codeRow{Code: code}] += n
		}
		for code, n := range turns[i].Own {
			sums[codeRow{Code: code, Own: true}] += n
		}
	}
	for row, n := range sums {
		row.N = n
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b codeRow) int {
		return cmp.Or(boolCompare(a.Own, b.Own), cmp.Compare(b.N, a.N), cmp.Compare(a.Code, b.Code))
	})
	return rows
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

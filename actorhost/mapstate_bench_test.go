package actorhost_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// depot has a state that is a map.
type depot struct{ troupe.Ref }

func (depot) ActorType() string { return "depot" }

var (
	stockUp = troupe.NewAction[depot, int, troupe.None]("stockUp")
	lookUp  = troupe.NewAction[depot, string, int]("lookUp")
	peek    = troupe.NewAction[depot, string, int]("peek") // is read-only
	restock = troupe.NewAction[depot, string, int]("restock")
)

type wares struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Price int    `json:"price"`
}

type depotState struct{ Wares map[string]wares }

func wareName(i int) string { return "ware-" + strconv.Itoa(i) }

func depots() actorhost.Definition {
	return actorhost.Define(func() depotState { return depotState{} },
		actorhost.On(stockUp, actorhost.NoOut((*depotState).fill)),
		actorhost.On(lookUp, (*depotState).lookUp),
		actorhost.On(peek, (*depotState).lookUp).ReadOnly(),
		actorhost.On(restock, (*depotState).restock))
}

func (s *depotState) fill(_ *actorhost.Context, n int) error {
	s.Wares = make(map[string]wares, n)
	for i := range n {
		s.Wares[wareName(i)] = wares{Name: "the ware " + strconv.Itoa(i), Count: i, Price: 100 + i}
	}
	return nil
}

func (s *depotState) restock(_ *actorhost.Context, name string) (int, error) {
	one := s.Wares[name]
	one.Count++
	s.Wares[name] = one
	return one.Count, nil
}

func (s *depotState) lookUp(_ *actorhost.Context, name string) (int, error) {
	return s.Wares[name].Count, nil
}

// The entries of a small and a large state: some 100 bytes, and 190 KB.
const fewWares, manyWares = 2, 4000

// BenchmarkMapState compares actions of an actor whose state is a large map with the same of one whose state is a small one, in
// turns, 8 in flight: what only looks, the same declared read-only, and what changes one entry. It reports, as medians over the rounds, the times of
// processors that such a call takes in all, in us, and cpu-x, the one as a multiple of the other: see BenchmarkVersus.
func BenchmarkMapState(b *testing.B) {
	at := benchInProcess(b)
	few, many := troupe.GetOrCreate[depot](at.client, "few"), troupe.GetOrCreate[depot](at.client, "many")
	require.NoError(b, call(b.Context(), stockUp, few, fewWares))
	require.NoError(b, call(b.Context(), stockUp, many, manyWares))
	for _, action := range []troupe.Action[depot, string, int]{lookUp, peek, restock} {
		b.Run(action.Name(), func(b *testing.B) { besideSmall(b, at, action, few, many) })
	}
}

func besideSmall(b *testing.B, at stage, action troupe.Action[depot, string, int], few, many depot) {
	b.Helper()
	const inFlight = 8
	sideOf := func(s depot, wares int) side {
		return side{at: at, call: func(ctx context.Context, i int) error { return call(ctx, action, s, wareName(i%wares)) }}
	}
	small, large := sideOf(few, fewWares), sideOf(many, manyWares)
	var smalls, larges, ratios []float64
	for b.Loop() {
		require.NoError(b, small.turn(b.Context(), inFlight))
		require.NoError(b, large.turn(b.Context(), inFlight))
		smalls, larges, ratios = append(smalls, small.cost/1e3), append(larges, large.cost/1e3), append(ratios, large.cost/small.cost)
	}
	b.ReportMetric(median(smalls), "us-small")
	b.ReportMetric(median(larges), "us-large")
	report(b, "cpu-x", ratios)
	b.ReportMetric(0, "ns/op")
}

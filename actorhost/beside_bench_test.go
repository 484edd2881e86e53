package actorhost_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A yard is a depot whose writer takes its time.
type yard struct{ troupe.Ref }

func (yard) ActorType() string { return "yard" }

var (
	fillYard   = troupe.NewAction[yard, int, troupe.None]("fill")
	peekYard   = troupe.NewAction[yard, string, int]("peek")   // is read-only
	glanceYard = troupe.NewAction[yard, string, int]("glance") // may run beside turns
	moveYard   = troupe.NewAction[yard, string, int]("move")   // takes a millisecond
)

func yards() actorhost.Definition {
	return actorhost.Define(func() depotState { return depotState{} },
		actorhost.On(fillYard, actorhost.NoOut((*depotState).fill)),
		actorhost.On(peekYard, (*depotState).lookUp).ReadOnly(),
		actorhost.On(glanceYard, (*depotState).lookUp).BesideTurns(),
		actorhost.On(moveYard, func(s *depotState, c *actorhost.Context, name string) (int, error) {
			<-time.After(time.Millisecond)
			return s.restock(c, name)
		}))
}

// BenchmarkBeside has 8 readers of an actor beside one that changes an entry of its state over and over, which takes 1 ms each time. They
// read by a read-only action, and by one that runs beside turns, in turns. It reports, as medians over the rounds, the reads a
// second (readonly/s, beside/s), how many times more those are (x), and the changes a second meanwhile (changes-readonly/s,
// changes-beside/s).
func BenchmarkBeside(b *testing.B) {
	at := benchInProcess(b)
	for _, entries := range []int{fewWares, manyWares} {
		b.Run(fmt.Sprint("entries=", entries), func(b *testing.B) { readsBesideWriter(b, at, entries) })
	}
}

func readsBesideWriter(b *testing.B, at stage, entries int) {
	b.Helper()
	const readers = 8
	y := troupe.GetOrCreate[yard](at.client, fmt.Sprint(entries))
	require.NoError(b, call(b.Context(), fillYard, y, entries))
	var written atomic.Int64
	ctx, stop := context.WithCancel(b.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := moveYard.Call(ctx, y, wareName(i%entries)); err == nil {
				written.Add(1)
			}
		}
	}()
	defer func() { stop(); <-over }()
	rates, changes := make([][]float64, 2), make([][]float64, 2)
	var ratios []float64
	for b.Loop() {
		for i, action := range []troupe.Action[yard, string, int]{peekYard, glanceYard} {
			before, began := written.Load(), time.Now()
			s := side{at: at, call: func(ctx context.Context, i int) error { return call(ctx, action, y, wareName(i%entries)) }}
			require.NoError(b, s.turn(b.Context(), readers))
			rates[i] = append(rates[i], s.rate)
			changes[i] = append(changes[i], float64(written.Load()-before)/time.Since(began).Seconds())
		}
		ratios = append(ratios, rates[1][len(rates[1])-1]/rates[0][len(rates[0])-1])
	}
	report(b, "x", ratios)
	report(b, "readonly/s", rates[0])
	report(b, "beside/s", rates[1])
	report(b, "changes-readonly/s", changes[0])
	report(b, "changes-beside/s", changes[1])
	b.ReportMetric(0, "ns/op")
}

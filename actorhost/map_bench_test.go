package actorhost_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// strongroom has a Map.
type strongroom struct{ troupe.Ref }

func (strongroom) ActorType() string { return "strongroom" }

var (
	stash     = troupe.NewAction[strongroom, []int, troupe.None]("stash")
	withdrawn = troupe.NewAction[strongroom, int, int]("withdrawn") // changes an item
	totalled  = troupe.NewAction[strongroom, int, int]("totalled")  // changes the rest of the state alone
	blind     = troupe.NewAction[strongroom, int, int]("blind")     // sets an item without a look
)

type strongroomState struct {
	Total int                       `json:"total"`
	Boxes actorhost.Map[int, wares] `json:"boxes"`
}

func (s *strongroomState) set(c *actorhost.Context, i int) (int, error) {
	s.Total++
	return s.Total, s.Boxes.Set(c, i, wares{Name: fmt.Sprint("the box ", i), Count: s.Total, Price: 100})
}

func strongrooms() actorhost.Definition {
	return actorhost.Define(func() strongroomState { return strongroomState{} },
		actorhost.On(stash, actorhost.NoOut(func(s *strongroomState, c *actorhost.Context, fromTo []int) error {
			for i := fromTo[0]; i < fromTo[1]; i++ {
				if _, err := s.set(c, i); err != nil {
					return err
				}
			}
			return nil
		})),
		actorhost.On(withdrawn, func(s *strongroomState, c *actorhost.Context, i int) (int, error) {
			if _, there, err := s.Boxes.Get(c, i); err != nil || !there {
				return 0, fmt.Errorf("the box %d is there: %v, %w", i, there, err)
			}
			return s.set(c, i)
		}),
		actorhost.On(blind, (*strongroomState).set),
		actorhost.On(totalled, func(s *strongroomState, _ *actorhost.Context, _ int) (int, error) { s.Total++; return s.Total, nil }))
}

// stashed is how many items are set in a turn.
const stashed = 1000

// BenchmarkMap compares actions that change one of 100,000 items with one that changes the rest of a small state alone, in turns. It
// reports the medians of the times of processors of a call in all, in us, and cpu-x, the one as a multiple of the other. There
// is one call in flight at each of the actors: at up to 8, each change is stored by itself; with 64, the plain ones share messages of the
// journal, and items have one each. TROUPE_BENCH_ACTORS is how many items there are in all.
func BenchmarkMap(b *testing.B) {
	at := benchInProcess(b)
	for _, actors := range []int{1, 8, 64} {
		stashAll(b, at, actors)
		for _, action := range []troupe.Action[strongroom, int, int]{withdrawn, blind} {
			b.Run(fmt.Sprintf("%s/actors=%d", action.Name(), actors), func(b *testing.B) { besidePlain(b, at, action, actors) })
		}
	}
}

func strongroomOf(at stage, of string, actors, i int) strongroom {
	return troupe.GetOrCreate[strongroom](at.client, of, fmt.Sprint(actors), fmt.Sprint(i))
}

// stashAll sets all items of so many actors.
func stashAll(b *testing.B, at stage, actors int) {
	b.Helper()
	each := numberOfActors(b) / actors
	for i := range actors {
		for from := 0; from < each; from += stashed {
			require.NoError(b, call(b.Context(), stash, strongroomOf(at, "many", actors, i), []int{from, min(from+stashed, each)}))
		}
	}
}

func besidePlain(b *testing.B, at stage, action troupe.Action[strongroom, int, int], actors int) {
	b.Helper()
	each := numberOfActors(b) / actors
	sideOf := func(of string, action troupe.Action[strongroom, int, int]) side {
		return side{at: at, call: func(ctx context.Context, i int) error {
			return call(ctx, action, strongroomOf(at, of, actors, i%actors), i*7919%each)
		}}
	}
	plain, items := sideOf("few", totalled), sideOf("many", action)
	var plains, changed, ratios []float64
	for b.Loop() {
		require.NoError(b, plain.turn(b.Context(), actors))
		require.NoError(b, items.turn(b.Context(), actors))
		plains, changed = append(plains, plain.cost/1e3), append(changed, items.cost/1e3)
		ratios = append(ratios, items.cost/plain.cost)
	}
	b.ReportMetric(median(plains), "us-plain")
	b.ReportMetric(median(changed), "us-item")
	report(b, "cpu-x", ratios)
	b.ReportMetric(0, "ns/op")
}

package actorhost

import (
	"cmp"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/stacks"
	"github.com/troupe-go/troupe/internal/wire"
)

// whatRuns is what runs on a goroutine.
type whatRuns struct {
	id troupe.ID
	*wire.RunningTurn
	goroutine uint64
}

// whatRuns is all that runs on the host for so long at least, of actors that are wanted; the longest first.
func (r *roster) whatRuns(longer time.Duration, wanted func(troupe.ID) bool) (all []whatRuns) {
	add := func(id troupe.ID, turn *wire.RunningTurn, goroutine uint64) {
		if turn != nil && turn.For >= longer.Milliseconds() {
			all = append(all, whatRuns{id, turn, goroutine})
		}
	}
	for _, run := range r.ready.Running() {
		if wanted(run.Item.id) {
			add(run.Item.id, run.Item.runningOn(run.Goroutine), run.Goroutine)
		}
	}
	for _, step := range r.steps.Running() {
		if wanted(step.Actor) {
			turn := r.runningSince(step.Actor, step.Began)
			turn.Kind, turn.Name = wire.TurnStep, step.Name
			add(step.Actor, turn, step.Goroutine)
		}
	}
	slices.SortFunc(all, func(a, b whatRuns) int { return cmp.Compare(b.For, a.For) })
	return all
}

// oldest is what runs for the longest time, or nil.
func (r *roster) oldest() *wire.RunningTurn {
	if all := r.whatRuns(0, func(troupe.ID) bool { return true }); len(all) > 0 {
		return all[0].RunningTurn
	}
	return nil
}

// stack says where an actor is.
func (r *roster) stack(tokens string) (wire.ActorStack, bool) {
	told := wire.ActorStack{Running: []wire.RunningStack{}}
	all := r.whatRuns(0, func(id troupe.ID) bool { return id.Tokens() == tokens })
	ids := make([]uint64, len(all))
	for i, one := range all {
		ids[i] = one.goroutine
	}
	if len(all) == 0 {
		return told, true
	}
	found, ok := stacks.Of(ids...)
	for _, one := range all {
		told.Running = append(told.Running, wire.RunningStack{RunningTurn: *one.RunningTurn, Stack: found[one.goroutine]})
	}
	return told, ok
}

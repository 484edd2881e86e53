//go:build chaos && unix

package chaos_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// An errand is run by a workflow, which pays at tills.
type errand struct{ troupe.Ref }

func (errand) ActorType() string { return "errand" }

// A till notes what is paid there.
type till struct{ troupe.Ref }

func (till) ActorType() string { return "till" }

var (
	runErrand = troupe.NewWorkflow[errand, errandWish, int]("run")
	goAhead   = troupe.NewSignal[errand, int]("ahead")
	seenNotes = troupe.NewAction[errand, troupe.None, []string]("notes")

	pay  = troupe.NewAction[till, string, int]("pay") // returns how often that was paid
	paid = troupe.NewAction[till, troupe.None, map[string]int]("paid")
)

// errandWish says what an errand is like.
type errandWish struct {
	ID    int  `json:"id"`    // no other has it
	Fails bool `json:"fails"` // it fails in the end, and is undone
	Waits bool `json:"waits"` // for a signal
}

const (
	tills     = 3
	sideSteps = 3
)

type (
	errandState struct{ Notes []string }
	tillState   struct{ Paid map[string]int }
)

var errNoWay = troupe.NewError("no_way", "")

// pays is a step that pays at a till. Now and then it fails after that.
func (w errandWish) pays(c *actorhost.StepContext, at troupe.Caller, what string) (int, error) {
	n, err := pay.Call(c, troupe.GetOrCreate[till](at, fmt.Sprint("t", w.ID%tills)), fmt.Sprint(w.ID, "/", what))
	if err == nil && rand.N(8) == 0 {
		return 0, errors.New("the way back was lost")
	}
	return n, err
}

func (s *errandState) note(what string) { s.Notes = append(s.Notes, what) }

// tries are short, for a run is.
var tries = actorhost.Tries(1000, 50*time.Millisecond, 200*time.Millisecond)

func runIt(w *actorhost.Flow[errandState], wish errandWish) (int, error) {
	for i := range 2 {
		name := fmt.Sprint("walk", i)
		w.Undo("back-"+name, func(c *actorhost.StepContext) error { _, err := wish.pays(c, w, "back-"+name); return err })
		if _, err := actorhost.Step(w, name, func(c *actorhost.StepContext) (int, error) { return wish.pays(c, w, name) }, tries); err != nil {
			return 0, err
		}
		if err := w.Update("note", func(s *errandState, _ *actorhost.Context) error { s.note(name); return nil }); err != nil {
			return 0, err
		}
		if err := w.Sleep("rest", 300*time.Millisecond); err != nil {
			return 0, err
		}
	}
	if _, err := actorhost.Each(w, "side", make([]int, sideSteps), 2, func(c *actorhost.StepContext, _ int) (int, error) {
		return wish.pays(c, w, c.IdempotencyKey())
	}, tries); err != nil {
		return 0, err
	}
	if wish.Waits {
		if _, err := actorhost.Wait(w, goAhead, "ahead", 0); err != nil {
			return 0, err
		}
	}
	if wish.Fails {
		return 0, errNoWay
	}
	return wish.ID, nil
}

func errandActors() []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() errandState { return errandState{} },
			actorhost.OnWorkflow(runErrand, runIt), actorhost.OnSignal[errand, errandState](goAhead),
			actorhost.On(seenNotes, actorhost.NoIn(func(s *errandState, _ *actorhost.Context) ([]string, error) { return s.Notes, nil })),
		).Config(actorhost.TypeConfig{SleepAfter: 500 * time.Millisecond}),
		actorhost.Define(func() tillState { return tillState{Paid: map[string]int{}} },
			actorhost.On(pay, func(s *tillState, _ *actorhost.Context, what string) (int, error) {
				s.Paid[what]++
				return s.Paid[what], nil
			}),
			actorhost.On(paid, actorhost.NoIn(func(s *tillState, _ *actorhost.Context) (map[string]int, error) { return s.Paid, nil }))),
	}
}

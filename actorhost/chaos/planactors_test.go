//go:build chaos && unix

package chaos_test

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A planner schedules its own action, and notes each run.
type planner struct{ troupe.Ref }

func (planner) ActorType() string { return "planner" }

var (
	chime   = troupe.NewAction[planner, plan, troupe.None]("chime")
	arrange = troupe.NewAction[planner, plan, arranged]("arrange")
	chimes  = troupe.NewAction[planner, troupe.None, []chimed]("chimes")
)

// plan is what is to be scheduled, and then the input of its runs.
type plan struct {
	ID     int32               `json:"id"`   // from 1; no other plan has it
	Life   int                 `json:"life"` // of the actor
	Name   string              `json:"name,omitempty"`
	After  time.Duration       `json:"after,omitempty"`
	Every  time.Duration       `json:"every,omitempty"`
	Missed troupe.MissedPolicy `json:"missed,omitempty"`
	Fails  int                 `json:"fails,omitempty"`  // how many attempts fail
	Cancel bool                `json:"cancel,omitempty"` // what has the name is cancelled, and nothing is scheduled
}

// arranged is what a turn has found as it scheduled something.
type arranged struct {
	Found bool `json:"found"` // there was something under that name
	Runs  int  `json:"runs"`  // so far
}

// chimed is one run. Times are in milliseconds since 1970.
type chimed struct {
	ID      int32 `json:"id"`
	Life    int   `json:"life"`
	Due     int64 `json:"due"`
	At      int64 `json:"at"`
	Missed  int   `json:"missed"`
	Attempt int   `json:"attempt"`
}

type plannerState struct {
	Runs []chimed `json:"runs"`
}

// errNoLuck is why a run fails that is to fail.
var errNoLuck = troupe.NewError("no_luck", "")

func (s *plannerState) chime(c *actorhost.Context, p plan) error {
	f, _ := troupe.FiringOf(c)
	if f.Attempt <= p.Fails {
		return errNoLuck
	}
	s.Runs = append(s.Runs, chimed{p.ID, p.Life, f.Due.UnixMilli(), time.Now().UnixMilli(), f.Missed, f.Attempt})
	return nil
}

func (s *plannerState) arrange(c *actorhost.Context, p plan) (arranged, error) {
	answer := arranged{Runs: len(s.Runs)}
	if p.Cancel {
		found, err := c.Unschedule(p.Name)
		answer.Found = found
		return answer, err
	}
	all, err := c.Schedules()
	if err != nil {
		return answer, err
	}
	for _, one := range all {
		answer.Found = answer.Found || one.Name == p.Name
	}
	_, err = p.schedule(c)
	return answer, err
}

// schedule schedules the plan, in a turn of its actor or from outside.
func (p plan) schedule(s troupe.Scheduler) (string, error) {
	var options []troupe.ScheduleOption
	if p.Name != "" {
		options = append(options, troupe.Named(p.Name))
	}
	if p.Every == 0 {
		return chime.After(s, p.After, p, options...)
	}
	return chime.Every(s, p.Every, p, append(options, troupe.OnMissed(p.Missed))...)
}

func planActors() []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() plannerState { return plannerState{} },
			actorhost.On(chime, actorhost.NoOut((*plannerState).chime)),
			actorhost.On(arrange, (*plannerState).arrange),
			actorhost.On(chimes, actorhost.NoIn(func(s *plannerState, _ *actorhost.Context) ([]chimed, error) { return s.Runs, nil })),
		).Config(actorhost.TypeConfig{SleepAfter: 500 * time.Millisecond}),
	}
}

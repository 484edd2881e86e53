//go:build chaos && unix

package chaos_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// planned is a plan whose scheduling was acknowledged, and what has become of it. Times are in milliseconds since 1970.
type planned struct {
	plan

	Actor   string `json:"actor"`
	Outside bool   `json:"outside"` // not in a turn of the actor
	Began   int64  `json:"began"`
	Ended   int64  `json:"ended"`

	Over      string `json:"over,omitempty"` // how it was ended: moved, cancelled or destroyed
	OverEnded int64  `json:"over_ended,omitempty"`
	Told      bool   `json:"told,omitempty"`  // who has ended it was told whether it was there still
	Found     bool   `json:"found,omitempty"` // it was
	Runs      int    `json:"runs,omitempty"`  // of the actor, when it was ended; 0: not known
}

const destroyed = "destroyed"

// clockError is how far two readings of the clocks of processes on one machine may differ, by the server's answer or without.
const clockError = 50

// planYield is what plans have come to.
type planYield struct {
	planned, over, runs, missed, lost, double, wrong int
	late                                             []int64 // of first attempts
}

func (y *planYield) String() string {
	at := func(percent int) int64 {
		if len(y.late) == 0 {
			return 0
		}
		return y.late[min(len(y.late)*percent/100, len(y.late)-1)]
	}
	slices.Sort(y.late)
	return fmt.Sprintf("%d plans, %d of them moved, cancelled or destroyed; %d runs, %d missed times made up for; %d lost, %d double, %d otherwise wrong; "+
		"late by p50 %d ms, p99 %d ms, from %d to %d ms", y.planned, y.over, y.runs, y.missed, y.lost, y.double, y.wrong, at(50), at(99), at(0), at(100))
}

// checkPlans compares the plans for an actor with the runs that it has noted in its last life.
func checkPlans(actor string, life int, plans []*planned, runs []chimed, y *planYield) (faults []string) {
	find := func(count *int, p *plan, format string, args ...any) {
		*count++
		faults = append(faults, fmt.Sprintf("planner %s, plan %d: ", actor, p.ID)+fmt.Sprintf(format, args...))
	}
	of := map[int32][]int{}
	for i, one := range runs {
		of[one.ID] = append(of[one.ID], i)
		y.runs++
		y.missed += one.Missed
		if one.Attempt == 1 {
			y.late = append(y.late, one.At-one.Due)
		}
		if one.At < one.Due-1 {
			find(&y.wrong, &plan{ID: one.ID}, "ran %d ms early", one.Due-one.At)
		}
		if one.Life != life {
			find(&y.wrong, &plan{ID: one.ID}, "is of life %d and ran in life %d", one.Life, life)
		}
	}
	for _, p := range plans {
		y.planned++
		if p.Over != "" {
			y.over++
		}
		mine := of[p.ID]
		delete(of, p.ID)
		if p.Over == destroyed || p.Life != life {
			continue // its runs are gone with it
		}
		for _, i := range mine {
			if p.Over != "" && (runs[i].At > p.OverEnded+clockError || p.Runs > 0 && i >= p.Runs) {
				find(&y.wrong, &p.plan, "ran as number %d, %d ms after it was acknowledged as %s, with %d runs", i, runs[i].At-p.OverEnded, p.Over, p.Runs)
			}
		}
		if p.Every != 0 {
			faults = append(faults, p.checkGrid(actor, mine, runs, y)...)
			continue
		}
		due := p.After.Milliseconds()
		switch want := 1; {
		case len(mine) > 1:
			find(&y.double, &p.plan, "ran %d times: %+v", len(mine), runs[mine[0]])
		case p.Over != "" && !p.Told:
		case len(mine) == 0 && (p.Over == "" || !p.Found):
			find(&y.lost, &p.plan, "never ran: %+v", *p)
		case len(mine) == want && p.Over != "" && p.Found:
			find(&y.double, &p.plan, "ran, and was %s: %+v", p.Over, *p)
		case len(mine) == 1 && (runs[mine[0]].Due < p.Began+due-clockError || runs[mine[0]].Due > p.Ended+due+clockError):
			find(&y.wrong, &p.plan, "was due at %d: %+v", runs[mine[0]].Due, *p)
		}
	}
	for id := range of {
		find(&y.wrong, &plan{ID: id}, "ran, and nobody was told that it was planned")
	}
	return faults
}

// checkGrid checks that no time of a recurring plan has come twice, and that none was passed over silently.
func (p *planned) checkGrid(actor string, mine []int, runs []chimed, y *planYield) (faults []string) {
	find := func(count *int, format string, args ...any) {
		*count++
		faults = append(faults, fmt.Sprintf("planner %s, recurring plan %d: ", actor, p.ID)+fmt.Sprintf(format, args...))
	}
	every := p.Every.Milliseconds()
	for n, i := range mine {
		one := runs[i]
		if n == 0 {
			first := one.Due - int64(one.Missed)*every
			if p.Missed != troupe.Skip && (first < p.Began+every-clockError || first > p.Ended+every+clockError) {
				find(&y.lost, "its first time is %d, %d ms after it was asked for", first, first-p.Began)
			}
			continue
		}
		passed := one.Due - runs[mine[n-1]].Due
		switch {
		case passed <= 0:
			find(&y.double, "was due at %d after %d", one.Due, runs[mine[n-1]].Due)
		case passed%every != 0:
			find(&y.wrong, "was due %d ms after the time before", passed)
		case p.Missed != troupe.Skip && passed != every*int64(1+one.Missed):
			find(&y.lost, "was due %d ms after the time before, and missed %d", passed, one.Missed)
		}
	}
	if p.Over == "" {
		find(&y.wrong, "was never ended")
	}
	return faults
}

// TestPlanLedger has what no planner must tell, and what one may, be told of plan 1.
func TestPlanLedger(t *testing.T) {
	t.Parallel()
	ran := func(due, at int64) chimed { return chimed{ID: 1, Life: 1, Due: due, At: at, Attempt: 1} }
	once := planned{plan: plan{ID: 1, Life: 1, After: time.Second}, Began: 1000, Ended: 1100}
	every := planned{plan: plan{ID: 1, Life: 1, Every: time.Second}, Began: 1000, Ended: 1100, Over: "cancelled", OverEnded: 9000}
	with := func(p planned, change func(*planned)) planned { change(&p); return p }
	moved := func(told, found bool) planned {
		return with(once, func(p *planned) { p.Over, p.OverEnded, p.Told, p.Found = "moved", 1500, told, found })
	}
	for name, of := range map[string]struct {
		planned planned
		runs    []chimed
		want    []string
	}{
		"once":                {once, []chimed{ran(2050, 2051)}, nil},
		"lost":                {once, nil, []string{"never ran"}},
		"twice":               {once, []chimed{ran(2050, 2051), ran(2050, 2052)}, []string{"ran 2 times"}},
		"early":               {once, []chimed{ran(2050, 2000)}, []string{"50 ms early"}},
		"at another time":     {once, []chimed{ran(3050, 3051)}, []string{"was due at 3050"}},
		"in another life":     {once, []chimed{{ID: 1, Life: 0, Due: 2050, At: 2051, Attempt: 1}}, []string{"is of life 0"}},
		"not planned":         {once, []chimed{ran(2050, 2051), {ID: 2, Life: 1, Due: 1, At: 2, Attempt: 1}}, []string{"nobody was told"}},
		"moved":               {moved(true, true), nil, nil},
		"moved, and ran":      {moved(true, true), []chimed{ran(2050, 1300)}, []string{"early", "ran, and was moved"}},
		"had run":             {moved(true, false), nil, []string{"never ran"}},
		"perhaps":             {moved(false, false), nil, nil},
		"after it was moved":  {moved(false, false), []chimed{ran(2050, 2051)}, []string{"after it was acknowledged as moved"}},
		"destroyed":           {with(once, func(p *planned) { p.Over = destroyed }), nil, nil},
		"every":               {every, []chimed{ran(2050, 2051), ran(3050, 3051), {ID: 1, Life: 1, Due: 6050, At: 6051, Missed: 2, Attempt: 1}}, nil},
		"every, twice":        {every, []chimed{ran(2050, 2051), ran(2050, 2051)}, []string{"was due at 2050 after 2050"}},
		"every, passed over":  {every, []chimed{ran(2050, 2051), ran(4050, 4051)}, []string{"missed 0"}},
		"every, skipped":      {with(every, func(p *planned) { p.Missed = troupe.Skip }), []chimed{ran(4050, 4051), ran(6050, 6051)}, nil},
		"every, first lost":   {every, []chimed{ran(3050, 3051)}, []string{"its first time"}},
		"every, off the grid": {every, []chimed{ran(2050, 2051), ran(3051, 3052)}, []string{"1001 ms after"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := checkPlans("a", 1, []*planned{&of.planned}, of.runs, new(planYield))
			require.Len(t, faults, len(of.want), "%q", faults)
			for i, want := range of.want {
				require.Contains(t, faults[i], want)
			}
		})
	}
}

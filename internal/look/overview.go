package look

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// Overview is what all hosts of a namespace have done and do.
type Overview struct {
	Hosts   int                `json:"hosts"`
	Silent  int                `json:"silent"` // hosts that do not reply
	Awake   int                `json:"awake"`
	Waiting int                `json:"waiting"` // calls, events and messages, for their turns
	Turns   []wire.TurnFigures `json:"turns"`   // since the hosts have started, of all together
	Running []wire.RunningTurn `json:"running"` // the longest first
	More    int                `json:"more"`    // what runs beside those
	Failed  []wire.RecentTurn  `json:"failed"`  // the newest first
	At      time.Time          `json:"-"`
	since   map[string]int64   // when each host was started, to tell that it was started anew

	Troubles // since the hosts have started
}

// Troubles are what hosts count beside turns: see [wire.HostFigures].
type Troubles struct {
	Repeated  int64 `json:"repeated"`
	Dropped   int64 `json:"dropped_events"`
	Lost      int64 `json:"lost_leases"`
	Conflicts int64 `json:"store_conflicts"`
}

// Together is what hosts say in one, with up to most of what runs and of what has failed.
func Together(hosts []Host, most int) Overview {
	all := Overview{
		At: time.Now(), since: make(map[string]int64),
		Turns: []wire.TurnFigures{}, Running: []wire.RunningTurn{}, Failed: []wire.RecentTurn{},
	}
	turns := make(map[turnName]wire.TurnFigures)
	for _, h := range hosts {
		if h.Err != nil {
			all.Silent++
			continue
		}
		all.Hosts++
		all.since[h.Figures.ID] = h.Figures.Started
		all.Waiting += h.Figures.Waiting
		all.Repeated += h.Figures.Repeated
		all.Dropped += h.Figures.Dropped
		all.Lost += h.Figures.Lost
		all.Conflicts += h.Figures.Conflicts
		for _, n := range h.Figures.Types {
			all.Awake += n
		}
		for _, one := range h.Figures.Turns {
			turns[nameOf(one)] = plus(turns[nameOf(one)], one)
		}
		for _, a := range h.Running.Actors {
			if a.Running != nil {
				all.Running = append(all.Running, *a.Running)
			}
		}
		all.More += h.Running.Left
		all.Failed = append(all.Failed, h.Recent.Failed...)
	}
	for _, one := range turns {
		all.Turns = append(all.Turns, one)
	}
	slices.SortFunc(all.Turns, func(a, b wire.TurnFigures) int {
		return cmp.Or(cmp.Compare(b.Run.Seconds, a.Run.Seconds), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(all.Running, func(a, b wire.RunningTurn) int { return cmp.Compare(b.For, a.For) })
	all.More += max(len(all.Running)-most, 0)
	all.Running = all.Running[:min(len(all.Running), most)]
	slices.SortFunc(all.Failed, func(a, b wire.RecentTurn) int { return cmp.Compare(b.At, a.At) })
	all.Failed = all.Failed[:min(len(all.Failed), most)]
	return all
}

type turnName struct {
	actorType, name string
	kind            wire.TurnKind
}

func nameOf(f wire.TurnFigures) turnName { return turnName{f.Type, f.Name, f.Kind} }

func plus(a, b wire.TurnFigures) wire.TurnFigures {
	sum := b
	sum.Calls += a.Calls
	sum.Total, sum.Wait, sum.Run = a.Total.Plus(b.Total), a.Wait.Plus(b.Wait), a.Run.Plus(b.Run)
	sum.Errors, sum.Own = plusCounts(a.Errors, b.Errors, 1), plusCounts(a.Own, b.Own, 1)
	return sum
}

func plusCounts(a, b map[string]int64, sign int64) map[string]int64 {
	sum := make(map[string]int64, len(a))
	maps.Copy(sum, a)
	for code, n := range b {
		if sum[code] += sign * n; sum[code] <= 0 {
			delete(sum, code)
		}
	}
	return sum
}

// Since has what has happened since an earlier look. It is not ok if hosts have come or gone: then it is not known.
func (o Overview) Since(earlier Overview) (turns []wire.TurnFigures, ok bool) {
	if len(o.since) != len(earlier.since) {
		return o.Turns, false
	}
	for id, started := range o.since {
		if before, there := earlier.since[id]; !there || before != started {
			return o.Turns, false
		}
	}
	before := make(map[turnName]wire.TurnFigures, len(earlier.Turns))
	for _, one := range earlier.Turns {
		before[nameOf(one)] = one
	}
	for _, one := range o.Turns {
		was := before[nameOf(one)]
		one.Calls -= was.Calls
		one.Total, one.Wait, one.Run = one.Total.Since(was.Total), one.Wait.Since(was.Wait), one.Run.Since(was.Run)
		one.Errors, one.Own = plusCounts(one.Errors, was.Errors, -1), plusCounts(one.Own, was.Own, -1)
		if one.Calls > 0 || len(one.Errors) > 0 {
			turns = append(turns, one)
		}
	}
	slices.SortStableFunc(turns, func(a, b wire.TurnFigures) int { return cmp.Compare(b.Run.Seconds, a.Run.Seconds) })
	return turns, true
}

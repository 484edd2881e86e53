package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// overview is what all hosts of a namespace have done and do.
type overview struct {
	Hosts   int                `json:"hosts"`
	Silent  int                `json:"silent"` // hosts that do not reply
	Awake   int                `json:"awake"`
	Turns   []wire.TurnFigures `json:"turns"`   // since the hosts have started, of all together
	Running []wire.RunningTurn `json:"running"` // the longest first
	More    int                `json:"more"`    // what runs beside those
	Failed  []wire.RecentTurn  `json:"failed"`  // the newest first
	at      time.Time
	since   map[string]int64 // when each host was started, to tell that it was started anew
}

// hostAnswer is what a host says about itself.
type hostAnswer struct {
	id      string
	err     error
	figures wire.HostFigures
	running wire.AwakePage
	recent  wire.HostRecent
}

// lookAll asks all hosts.
func lookAll(ctx context.Context, conn connection, most int) (overview, error) {
	up, err := conn.hostsUp(ctx)
	if err != nil {
		return overview{}, err
	}
	if len(up) == 0 {
		return overview{}, nothingFound("no host is up in the namespace %s", conn.namespace.Name())
	}
	hosts := make([]hostAnswer, 0, len(up))
	for id := range up {
		hosts = append(hosts, hostAnswer{id: id})
	}
	longer := longRun.Milliseconds()
	query, err := json.Marshal(wire.AwakeQuery{Longer: &longer, Limit: most})
	if err != nil {
		return overview{}, err
	}
	askAll(hosts, func(h *hostAnswer) {
		if h.err = conn.ask(ctx, conn.namespace.Figures(h.id), &h.figures); h.err == nil {
			h.err = conn.askWith(ctx, conn.namespace.Awake(h.id), query, &h.running)
		}
		if h.err == nil {
			h.err = conn.ask(ctx, conn.namespace.Recent(h.id), &h.recent)
		}
	})
	for _, h := range hosts {
		if errors.Is(h.err, troupe.ErrDenied) {
			return overview{}, h.err
		}
	}
	return together(hosts, most), ctx.Err()
}

// together is what the hosts say in one.
func together(hosts []hostAnswer, most int) overview {
	all := overview{
		at: time.Now(), since: make(map[string]int64),
		Turns: []wire.TurnFigures{}, Running: []wire.RunningTurn{}, Failed: []wire.RecentTurn{},
	}
	turns := make(map[turnName]wire.TurnFigures)
	for _, h := range hosts {
		if h.err != nil {
			all.Silent++
			continue
		}
		all.Hosts++
		all.since[h.figures.ID] = h.figures.Started
		for _, n := range h.figures.Types {
			all.Awake += n
		}
		for _, one := range h.figures.Turns {
			turns[nameOf(one)] = plus(turns[nameOf(one)], one)
		}
		for _, a := range h.running.Actors {
			if a.Running != nil {
				all.Running = append(all.Running, *a.Running)
			}
		}
		all.More += h.running.Left
		all.Failed = append(all.Failed, h.recent.Failed...)
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

// sinceThen has what has happened since an earlier look. It is not ok if hosts have come or gone: then it is not known.
func (o overview) sinceThen(earlier overview) (turns []wire.TurnFigures, ok bool) {
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

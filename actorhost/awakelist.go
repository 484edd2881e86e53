package actorhost

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// A page of what is awake has defaultPage actors unless its query says otherwise, and mostPage at most.
const defaultPage, mostPage = 100, 1000

// listAwake answers a query for what is awake.
func (r *roster) listAwake(q wire.AwakeQuery) wire.AwakePage {
	limit := min(cmp.Or(max(q.Limit, 0), defaultPage), mostPage)
	if q.Longer != nil {
		return r.listRunning(q, limit)
	}
	all, next := r.awakeFrom(q, limit)
	page := wire.AwakePage{Actors: make([]wire.AwakeActor, len(all)), Next: next}
	for i, a := range all {
		running, others := a.runningNow()
		page.Actors[i] = a.awakeActor(running, others)
	}
	return page
}

// listRunning lists what runs for so long at least, the longest first.
func (r *roster) listRunning(q wire.AwakeQuery, limit int) wire.AwakePage {
	longer := time.Duration(max(*q.Longer, 0)) * time.Millisecond
	all := r.whatRuns(longer, func(id troupe.ID) bool { return q.Type == "" || q.Type == id.Type() })
	page := wire.AwakePage{Actors: []wire.AwakeActor{}, Left: max(len(all)-limit, 0)}
	for _, one := range all[:min(len(all), limit)] {
		page.Actors = append(page.Actors, r.awakeActor(one))
	}
	return page
}

// awakeFrom returns a page of activations, from the last of the type, or of the first type, on. Who has to go away makes room
// for the last of its type, which was listed before; so none is passed over.
func (r *roster) awakeFrom(q wire.AwakeQuery, limit int) (all []*activation, next string) {
	types := slices.Sorted(maps.Keys(r.types))
	if q.Type != "" {
		types = slices.DeleteFunc(types, func(name string) bool { return name != q.Type })
	}
	from, goesOn := wire.ParseCursor(q.Next)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range types {
		awake := r.types[name].awake
		place := len(awake)
		switch order := strings.Compare(name, from.Type); {
		case goesOn && order < 0:
			continue
		case goesOn && order == 0:
			place = min(place, from.Place)
		}
		for ; place > 0; place-- {
			if len(all) == limit {
				return all, wire.Cursor{Type: name, Place: place}.String()
			}
			all = append(all, awake[place-1])
		}
	}
	return all, ""
}

// awakeActor describes the activation.
func (a *activation) awakeActor(running *wire.RunningTurn, others int) wire.AwakeActor {
	a.mu.Lock()
	defer a.mu.Unlock()
	return wire.AwakeActor{
		Actor: a.id.Tokens(), Waiting: a.mailbox.Len(), Connections: a.connections.len(), Running: running, Beside: others,
	}
}

// awakeActor describes the actor of what runs.
func (r *roster) awakeActor(one whatRuns) wire.AwakeActor {
	r.mu.Lock()
	a := r.active[one.id.Tokens()]
	r.mu.Unlock()
	if a == nil { // by now
		return wire.AwakeActor{Actor: one.id.Tokens(), Running: one.RunningTurn}
	}
	return a.awakeActor(one.RunningTurn, 0) // others have a line of their own
}

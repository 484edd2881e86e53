package figures

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/wire"
)

// Table has the counters of an actor type for what has no action: handlers of events, hooks, run loops and steps. It is safe for
// concurrent use, and takes no lock but for a name that it has not seen.
type Table struct {
	actorType string
	recent    *Recent
	mu        sync.Mutex
	all       atomic.Pointer[map[named]*Counters]
}

type named struct {
	kind wire.TurnKind
	name string
}

// maxNames is how many names a type may have: those of events are made by whoever subscribes. Further ones count as otherName.
const maxNames, otherName = 256, "other"

// Open makes the zero Table that of a type.
func (t *Table) Open(actorType string, recent *Recent) { t.actorType, t.recent = actorType, recent }

// Of has the counters of a name.
func (t *Table) Of(kind wire.TurnKind, name string) *Counters {
	if c := t.find(named{kind, name}); c != nil {
		return c
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[named]*Counters)
	if before := t.all.Load(); before != nil {
		maps.Copy(all, *before)
	}
	if len(all) >= maxNames {
		name = otherName
	}
	n := named{kind, name}
	if all[n] == nil {
		all[n] = &Counters{Type: t.actorType, Kind: kind, Name: name, Recent: t.recent}
		t.all.Store(&all)
	}
	return all[n]
}

func (t *Table) find(n named) *Counters {
	if all := t.all.Load(); all != nil {
		return (*all)[n]
	}
	return nil
}

// All are the counters that there are.
func (t *Table) All() (all []*Counters) {
	if known := t.all.Load(); known != nil {
		for _, c := range *known {
			all = append(all, c)
		}
	}
	return all
}

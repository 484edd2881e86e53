package actorhost

import (
	"cmp"
	"slices"

	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/internal/wire"
)

// openCounters gives the counters of the types their names.
func openCounters(types map[string]*actorType, recent *figures.Recent) {
	for name, t := range types {
		t.others.Open(name, recent)
		for action, e := range t.actions {
			e.Type, e.Kind, e.Name, e.Recent = name, wire.TurnAction, action, recent
		}
		for queue, q := range t.queues {
			q.Type, q.Kind, q.Name, q.Recent = name, wire.TurnQueue, queue, recent
		}
	}
}

// counters are those that have counted something, in order.
func (r *roster) counters() (all []*figures.Counters) {
	add := func(c *figures.Counters) {
		if c.Calls.Load() > 0 || c.Failed.Load() > 0 {
			all = append(all, c)
		}
	}
	for _, t := range r.types {
		for _, e := range t.actions {
			add(&e.Counters)
		}
		for _, q := range t.queues {
			add(&q.Counters)
		}
		for _, c := range t.others.All() {
			add(c)
		}
	}
	slices.SortFunc(all, func(a, b *figures.Counters) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// awakeByType is how many actors are awake of each type.
func (r *roster) awakeByType() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]int, len(r.types))
	for name, t := range r.types {
		all[name] = len(t.awake)
	}
	return all
}

// largestByType is the size in bytes of the largest state of each type, of those that have one.
func (r *roster) largestByType() map[string]int64 {
	all := make(map[string]int64, len(r.types))
	for name, t := range r.types {
		if largest := t.largest.Load(); largest > 0 {
			all[name] = largest
		}
	}
	return all
}

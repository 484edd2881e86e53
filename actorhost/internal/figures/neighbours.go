package figures

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Neighbours counts the calls that the actors of a host make of others: by caller, callee and action. It keeps those that were made
// last. The zero value has none. It is safe for concurrent use.
type Neighbours struct {
	mu          sync.Mutex
	now, before map[edge]*edgeCounts // before has what now had when that was full
	forgotten   int64
}

type edge struct {
	from, to troupe.ID
	action   string
}

type edgeCounts struct {
	calls, told, failed, own int64
	last                     time.Duration // on the host's clock
}

// maxEdges is how many of them each of the two maps has. An actor that is in neither is forgotten.
const maxEdges = 2048

// Count counts a call that has ended, with its error.
func (n *Neighbours) Count(from troupe.ID, call *troupe.Invocation, err *troupe.Error, now time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.counts(edge{from, call.ID, call.Action})
	c.calls++
	c.last = now
	switch {
	case err != nil && err.FromActor:
		c.own++
	case err != nil:
		c.failed++
	case call.Tell:
		c.told++
	}
}

// counts finds or makes the counters of an edge. The caller holds n.mu.
func (n *Neighbours) counts(e edge) *edgeCounts {
	c := n.now[e]
	if c != nil {
		return c
	}
	if c = n.before[e]; c != nil {
		delete(n.before, e)
	} else {
		c = new(edgeCounts)
	}
	if len(n.now) >= maxEdges {
		n.forgotten += int64(len(n.before))
		n.before, n.now = n.now, nil
	}
	if n.now == nil {
		n.now = make(map[edge]*edgeCounts)
	}
	n.now[e] = c
	return c
}

// Of are the calls that an actor has made, and those that others have made of it; the last up to so many, the newest first.
func (n *Neighbours) Of(tokens string, most int, at func(time.Duration) time.Time) wire.Neighbours {
	n.mu.Lock()
	told := wire.Neighbours{Since: at(0).UnixMilli(), Calls: []wire.NeighbourCalls{}, Forgotten: n.forgotten}
	for _, all := range []map[edge]*edgeCounts{n.now, n.before} {
		for e, c := range all {
			if e.from.Tokens() == tokens || e.to.Tokens() == tokens {
				told.Calls = append(told.Calls, wire.NeighbourCalls{
					From: e.from.Tokens(), To: e.to.Tokens(), Action: e.action, Calls: c.calls, Told: c.told, Failed: c.failed, Own: c.own,
					Last: at(c.last).UnixMilli(),
				})
			}
		}
	}
	n.mu.Unlock()
	slices.SortFunc(told.Calls, func(a, b wire.NeighbourCalls) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Action, b.Action))
	})
	told.Left = max(len(told.Calls)-most, 0)
	told.Calls = told.Calls[:min(len(told.Calls), most)]
	return told
}

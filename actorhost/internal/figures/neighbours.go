package figures

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Neighbours counts the calls that the actors of a host make of others: by caller, callee and action. It keeps those that were made
// last. The zero value has none. It is safe for concurrent use, and those who count seldom wait for each other.
type Neighbours struct{ shards [16]neighboursShard }

// neighboursShard has some of them.
type neighboursShard struct {
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

// maxEdges is how many of them each of the two maps of a shard has. What is in neither is forgotten.
const maxEdges = 128

var shardOf = maphash.MakeSeed()

// Count counts a call that has ended, with its error.
func (n *Neighbours) Count(from troupe.ID, call *troupe.Invocation, err *troupe.Error, now time.Duration) {
	e := edge{from, call.ID, call.Action}
	s := &n.shards[maphash.Comparable(shardOf, e)%uint64(len(n.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts(e)
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

// counts finds or makes the counters of an edge. The caller holds s.mu.
func (s *neighboursShard) counts(e edge) *edgeCounts {
	c := s.now[e]
	if c != nil {
		return c
	}
	if c = s.before[e]; c != nil {
		delete(s.before, e)
	} else {
		c = new(edgeCounts)
	}
	if len(s.now) >= maxEdges {
		s.forgotten += int64(len(s.before))
		s.before, s.now = s.now, nil
	}
	if s.now == nil {
		s.now = make(map[edge]*edgeCounts)
	}
	s.now[e] = c
	return c
}

// Of are the calls that an actor has made, and those that others have made of it; the last up to so many, the newest first.
func (n *Neighbours) Of(tokens string, most int, at func(time.Duration) time.Time) wire.Neighbours {
	told := wire.Neighbours{Since: at(0).UnixMilli(), Calls: []wire.NeighbourCalls{}}
	for i := range n.shards {
		n.shards[i].tell(&told, tokens, at)
	}
	slices.SortFunc(told.Calls, func(a, b wire.NeighbourCalls) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Action, b.Action))
	})
	told.Left = max(len(told.Calls)-most, 0)
	told.Calls = told.Calls[:min(len(told.Calls), most)]
	return told
}

// tell adds what the shard has of an actor.
func (s *neighboursShard) tell(told *wire.Neighbours, tokens string, at func(time.Duration) time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	told.Forgotten += s.forgotten
	for _, all := range []map[edge]*edgeCounts{s.now, s.before} {
		for e, c := range all {
			if e.from.Tokens() == tokens || e.to.Tokens() == tokens {
				told.Calls = append(told.Calls, wire.NeighbourCalls{
					From: e.from.Tokens(), To: e.to.Tokens(), Action: e.action, Calls: c.calls, Told: c.told, Failed: c.failed, Own: c.own,
					Last: at(c.last).UnixMilli(),
				})
			}
		}
	}
}

package figures

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// keptRecent is how many turns of each class are kept, and maxError how many bytes of an error.
const keptRecent, maxError = 100, 500

// class says why a turn is kept.
type class int

const (
	failed class = iota
	own
	slow
	classes
)

// Recent has the turns that have failed or were slow lately, each class by itself: many errors of one kind push out no others.
// Nil keeps nothing. It is safe for concurrent use.
type Recent struct {
	mu   sync.Mutex
	kept [classes]ring
}

// ring has the last turns.
type ring struct {
	turns []wire.RecentTurn
	next  int // the oldest, once it is full
}

func (r *Recent) add(why class, c *Counters, t *Turn) {
	if r == nil {
		return
	}
	one := wire.RecentTurn{
		Actor: strings.Clone(t.Actor), Kind: t.Kind, Name: c.Name, RequestID: strings.Clone(t.ID.String()),
		At: time.Now().UnixMilli(), Wait: milliseconds(t.Wait), Run: milliseconds(t.Run),
	}
	if one.Kind == "" {
		one.Kind = c.Kind
	}
	if t.Err != nil {
		one.Code = string(t.Err.Code)
		one.Error = strings.ToValidUTF8(t.Err.Message[:min(len(t.Err.Message), maxError)], "")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	in := &r.kept[why]
	if len(in.turns) < keptRecent {
		in.turns = append(in.turns, one)
		return
	}
	in.turns[in.next] = one
	in.next = (in.next + 1) % keptRecent
}

// All are those that are kept, the newest first.
func (r *Recent) All() wire.HostRecent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return wire.HostRecent{Failed: r.kept[failed].all(), Own: r.kept[own].all(), Slow: r.kept[slow].all()}
}

func (r *ring) all() []wire.RecentTurn {
	all := slices.Concat(r.turns[r.next:], r.turns[:r.next])
	slices.Reverse(all)
	return append([]wire.RecentTurn{}, all...)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

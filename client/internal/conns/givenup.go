package conns

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// givenUp are the ids of connections that the client does not have any more, or never had, and whose actors may not know
// that. Their hosts are told when they ask.
type givenUp struct {
	mu    sync.Mutex
	since map[string]time.Time
}

const (
	maxGivenUp  = 4096
	keepGivenUp = 30 * time.Second // in which every host asks a few times
)

func (g *givenUp) add(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.since == nil {
		g.since = make(map[string]time.Time)
	}
	if len(g.since) < maxGivenUp {
		g.since[id] = time.Now()
	}
}

func (g *givenUp) remove(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.since, id)
}

// tell returns the ids, and forgets those that were told for long enough.
func (g *givenUp) tell() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids := slices.Collect(maps.Keys(g.since))
	maps.DeleteFunc(g.since, func(_ string, since time.Time) bool { return time.Since(since) > keepGivenUp })
	return ids
}

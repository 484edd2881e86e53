package conns

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// givenUp are the ids of connections that the client no longer has, or never had, while their actors may think it has.
// Their hosts are told when they ask.
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

// tell returns the ids. It forgets those that it has told for long enough.
func (g *givenUp) tell() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids := slices.Collect(maps.Keys(g.since))
	maps.DeleteFunc(g.since, func(_ string, since time.Time) bool { return time.Since(since) > keepGivenUp })
	return ids
}

package actorhost

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// maxConnections limits the connections of one actor.
const maxConnections = 1 << 16

// connections holds the connections of one activation.
type connections struct {
	mu   sync.Mutex
	byID map[string]*Connection
	last uint64
}

func (s *connections) find(id string) *Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

func (s *connections) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

func (s *connections) add(c *Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*Connection, 1)
	}
	s.last++
	c.number = s.last
	s.byID[c.id] = c
}

// remove reports whether the connection was there.
func (s *connections) remove(c *Connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[c.id] != c {
		return false
	}
	delete(s.byID, c.id)
	return true
}

// all returns the connections in order of arrival.
func (s *connections) all() []*Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.byID), func(a, b *Connection) int { return cmp.Compare(a.number, b.number) })
}

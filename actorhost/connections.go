package actorhost

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/tenants"
)

// maxConnections limits the connections of one actor.
const maxConnections = 1 << 16

// connections holds the connections of one activation.
type connections struct {
	tenant *tenants.Tenant // that counts them; nil without limits

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

// add fails when the tenant has as many as it may.
func (s *connections) add(c *Connection) *troupe.Error {
	if err := s.tenant.Connect(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*Connection, 1)
	}
	s.last++
	c.number = s.last
	s.byID[c.id] = c
	return nil
}

// remove reports whether the connection was there.
func (s *connections) remove(c *Connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[c.id] != c {
		return false
	}
	delete(s.byID, c.id)
	s.tenant.Disconnect()
	return true
}

// latest returns the connections that came last, the newest first.
func (s *connections) latest(most int) []*Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	latest := make([]*Connection, 0, min(len(s.byID), most)+1)
	for _, c := range s.byID {
		place, _ := slices.BinarySearchFunc(latest, c.number, func(one *Connection, number uint64) int {
			return cmp.Compare(number, one.number)
		})
		if place < most {
			latest = slices.Insert(latest, place, c)
			latest = latest[:min(len(latest), most)]
		}
	}
	return latest
}

// all returns the connections in order of arrival.
func (s *connections) all() []*Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.byID), func(a, b *Connection) int { return cmp.Compare(a.number, b.number) })
}

package store

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe"
)

// Mark is the [Unsent] mark of an actor while it is awake on a host. It is safe for concurrent use.
type Mark struct {
	log    *EventLog
	host   string
	id     troupe.ID
	mu     sync.Mutex // held while the mark is made or removed
	unsent Unsent
	made   bool
}

// Mark returns the mark of an actor on a host. It is not made yet.
func (l *EventLog) Mark(host string, id troupe.ID) *Mark { return &Mark{log: l, host: host, id: id} }

// Make makes the mark if it is not made, and that of the host before it.
func (m *Mark) Make(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made {
		return nil
	}
	_, index, err := m.log.Open(ctx)
	if err != nil {
		return err
	}
	if _, known := m.log.marked.Load(m.host); !known {
		if _, err := index.MarkUnsent(ctx, m.host, troupe.ID{}); err != nil {
			return err
		}
		m.log.marked.Store(m.host, true)
	}
	m.unsent, err = index.MarkUnsent(ctx, m.host, m.id)
	m.made = err == nil
	return err
}

// Remove removes the mark if it is made.
func (m *Mark) Remove(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.made {
		return nil
	}
	_, index, err := m.log.Open(ctx)
	if err != nil {
		return err
	}
	return index.Unmark(ctx, m.unsent)
}

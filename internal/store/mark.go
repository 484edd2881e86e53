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

// hostMark is the mark of a host, and how many of its actors have one.
type hostMark struct {
	mu     sync.Mutex // held while the mark is made or removed
	unsent Unsent
	made   bool
	actors int // or more, where the outcome of a write is not known
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
	if err := m.log.hostMark(m.host).count(ctx, index, m.host); err != nil {
		return err
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
	if err := index.Unmark(ctx, m.unsent); err != nil {
		return err
	}
	m.made = false
	m.log.hostMark(m.host).discount()
	return nil
}

func (l *EventLog) hostMark(host string) *hostMark {
	mark, _ := l.marks.LoadOrStore(host, new(hostMark))
	return mark.(*hostMark)
}

// count counts one more actor, and makes the mark of the host before the first.
func (m *hostMark) count(ctx context.Context, index *Subscriptions, host string) (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.made {
		if m.unsent, err = index.MarkUnsent(ctx, host, troupe.ID{}); err != nil {
			return err
		}
		m.made = true
		index.bucket.witness.Store(&witness{index.bucket.prefix + m.unsent.key, m.unsent.revision})
	}
	m.actors++
	return nil
}

func (m *hostMark) discount() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.actors--
}

// Leave removes the mark of a host that has stopped, unless actors have left some. Those are for others to wake.
func (l *EventLog) Leave(ctx context.Context, host string) error {
	known, ok := l.marks.Load(host)
	if !ok {
		return nil
	}
	m := known.(*hostMark)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.made || m.actors > 0 {
		return nil
	}
	_, index, err := l.Open(ctx)
	if err != nil {
		return err
	}
	m.made = false
	return index.Unmark(ctx, m.unsent)
}

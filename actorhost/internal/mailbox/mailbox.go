// Package mailbox queues what waits for its turn at an actor.
package mailbox

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// MaxBytes limits the bytes that wait in one mailbox, besides its first message; MaxAllBytes limits those of all
// mailboxes of a host. One message may be as large as the server allows, and a thousand of the largest must not kill
// the process.
const (
	MaxBytes    = 64 << 20  // of one mailbox, besides its first message
	MaxAllBytes = 512 << 20 // of all of a host
)

// spareSize is the capacity, in items, of the memory that mailboxes pass on to each other.
const spareSize = 8

// Mailboxes is what all mailboxes of a host share.
type Mailboxes[ID comparable, T any] struct {
	size  func(T) int64
	id    func(T) ID
	held  atomic.Uint64 // what waits in all mailboxes: its bytes, and how many items they are, above. One addition counts both
	spare sync.Pool
}

// itemShift is where the number of items begins: above the bytes, of which there are fewer.
const itemShift = 40

// New returns the Mailboxes for items whose size in bytes is size, and which id identifies.
func New[ID comparable, T any](size func(T) int64, id func(T) ID) *Mailboxes[ID, T] {
	return &Mailboxes[ID, T]{size: size, id: id, spare: sync.Pool{New: func() any { return new([spareSize]T) }}}
}

// Bytes is how many bytes wait in all mailboxes, and Items how many items these are: up to 16 million.
func (m *Mailboxes[ID, T]) Bytes() int64 { return int64(m.held.Load() & (1<<itemShift - 1)) }

// Items is said with Bytes.
func (m *Mailboxes[ID, T]) Items() int { return int(m.held.Load() >> itemShift) }

// Mailbox is a queue. An empty one, as most are, has no memory of its own. It is not safe for concurrent use.
type Mailbox[ID comparable, T any] struct {
	queue queue.FIFO[T]
	bytes int64 // waiting
	index *index[ID]
}

// index has the places of the items, counted from the first that was in the mailbox when the index was made. There is one
// from the first question for an item until the mailbox is empty.
type index[ID comparable] struct {
	places map[ID]uint64
	left   uint64 // how many items have left the mailbox
}

// Len returns how many items wait.
func (m *Mailbox[ID, T]) Len() int { return m.queue.Len() }

// Items returns the waiting items, oldest first. They are valid until the mailbox changes.
func (m *Mailbox[ID, T]) Items() []T { return m.queue.Items() }

// HasRoom reports whether the item fits: fewer than most items wait, and the limits of bytes are kept.
func (m *Mailbox[ID, T]) HasRoom(all *Mailboxes[ID, T], item *T, most int) bool {
	size := all.size(*item)
	if all.Bytes()+size > MaxAllBytes {
		return false
	}
	return m.Len() == 0 || m.Len() < most && m.bytes+size <= MaxBytes
}

// Push adds an item, even if there is no room for it.
func (m *Mailbox[ID, T]) Push(all *Mailboxes[ID, T], item T) {
	m.count(all, 1, all.size(item))
	if m.Len() == 0 {
		m.queue.Use(all.spare.Get().(*[spareSize]T)[:])
	}
	m.queue.Push(item)
	if x := m.index; x != nil {
		x.places[all.id(item)] = x.left + uint64(m.Len()-1)
	}
}

// Find returns the waiting item with this id, or nil. It is valid until the mailbox changes. Of several it is any.
func (m *Mailbox[ID, T]) Find(all *Mailboxes[ID, T], id ID) *T {
	if m.Len() == 0 {
		return nil
	}
	if m.index == nil {
		m.index = &index[ID]{places: make(map[ID]uint64, m.Len())}
		for i, item := range m.Items() {
			m.index.places[all.id(item)] = uint64(i)
		}
	}
	place, ok := m.index.places[id]
	if !ok {
		return nil
	}
	return &m.Items()[place-m.index.left]
}

// Pop removes and returns the oldest item. There must be one.
func (m *Mailbox[ID, T]) Pop(all *Mailboxes[ID, T]) T {
	item := m.queue.Pop()
	m.count(all, -1, -all.size(item))
	if m.index != nil {
		m.unindex(all.id(item))
	}
	if m.Len() == 0 {
		if memory := m.queue.Drain(); cap(memory) == spareSize {
			all.spare.Put((*[spareSize]T)(memory[:spareSize]))
		}
	}
	return item
}

// Drain removes and returns all items.
func (m *Mailbox[ID, T]) Drain(all *Mailboxes[ID, T]) []T {
	m.count(all, -m.Len(), -m.bytes)
	m.index = nil
	return m.queue.Drain()
}

// unindex notes that the oldest item has left.
func (m *Mailbox[ID, T]) unindex(id ID) {
	x := m.index
	if x.places[id] == x.left {
		delete(x.places, id)
	}
	if x.left++; m.Len() == 0 {
		m.index = nil
	}
}

func (m *Mailbox[ID, T]) count(all *Mailboxes[ID, T], items int, bytes int64) {
	m.bytes += bytes
	all.held.Add(uint64(int64(items)<<itemShift + bytes)) // modulo 2^64, so it may be less than nothing
}

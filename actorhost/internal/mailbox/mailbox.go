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
type Mailboxes[T any] struct {
	size  func(T) int64
	bytes atomic.Int64 // waiting in all mailboxes
	spare sync.Pool
}

// New returns the Mailboxes for items whose size in bytes is size.
func New[T any](size func(T) int64) *Mailboxes[T] {
	return &Mailboxes[T]{size: size, spare: sync.Pool{New: func() any { return new([spareSize]T) }}}
}

// Mailbox is a queue. An empty one, as most are, has no memory of its own. It is not safe for concurrent use.
type Mailbox[T any] struct {
	queue queue.FIFO[T]
	bytes int64 // waiting
}

// Len returns how many items wait.
func (m *Mailbox[T]) Len() int { return m.queue.Len() }

// Items returns the waiting items, oldest first. They are valid until the mailbox changes.
func (m *Mailbox[T]) Items() []T { return m.queue.Items() }

// HasRoom reports whether the item fits: fewer than most items wait, and the limits of bytes are kept.
func (m *Mailbox[T]) HasRoom(all *Mailboxes[T], item *T, most int) bool {
	size := all.size(*item)
	if all.bytes.Load()+size > MaxAllBytes {
		return false
	}
	return m.Len() == 0 || m.Len() < most && m.bytes+size <= MaxBytes
}

// Push adds an item, even if there is no room for it.
func (m *Mailbox[T]) Push(all *Mailboxes[T], item T) {
	m.addBytes(all, all.size(item))
	if m.Len() == 0 {
		m.queue.Use(all.spare.Get().(*[spareSize]T)[:])
	}
	m.queue.Push(item)
}

// Pop removes and returns the oldest item. There must be one.
func (m *Mailbox[T]) Pop(all *Mailboxes[T]) T {
	item := m.queue.Pop()
	m.addBytes(all, -all.size(item))
	if m.Len() == 0 {
		if memory := m.queue.Drain(); cap(memory) == spareSize {
			all.spare.Put((*[spareSize]T)(memory[:spareSize]))
		}
	}
	return item
}

// Drain removes and returns all items.
func (m *Mailbox[T]) Drain(all *Mailboxes[T]) []T {
	m.addBytes(all, -m.bytes)
	return m.queue.Drain()
}

func (m *Mailbox[T]) addBytes(all *Mailboxes[T], bytes int64) {
	m.bytes += bytes
	all.bytes.Add(bytes)
}

// Package mailbox has what waits for its turn at an actor.
package mailbox

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// Of one mailbox, besides its first message, and of all of a host: how many bytes may wait. A message may be as large as
// the server allows, and a thousand of the largest must not be the end of the process.
const MaxBytes, MaxAllBytes = 64 << 20, 512 << 20

// spareSize are as many items as the memory is for that mailboxes hand on to each other.
const spareSize = 8

// Mailboxes are what all mailboxes of a host share.
type Mailboxes[T any] struct {
	size  func(T) int64
	bytes atomic.Int64 // that wait in all of them
	spare sync.Pool
}

// New returns what mailboxes share whose items take so many bytes.
func New[T any](size func(T) int64) *Mailboxes[T] {
	return &Mailboxes[T]{size: size, spare: sync.Pool{New: func() any { return new([spareSize]T) }}}
}

// Mailbox is a queue. While it is empty it has no memory of its own: most are. It is not safe for concurrent use.
type Mailbox[T any] struct {
	queue queue.FIFO[T]
	bytes int64 // that wait
}

// Len is how many items wait.
func (m *Mailbox[T]) Len() int { return m.queue.Len() }

// Items are those that wait, the oldest first, until the mailbox changes.
func (m *Mailbox[T]) Items() []T { return m.queue.Items() }

// HasRoom reports whether there is room for an item beside fewer than a number of others.
func (m *Mailbox[T]) HasRoom(all *Mailboxes[T], item *T, others int) bool {
	size := all.size(*item)
	if all.bytes.Load()+size > MaxAllBytes {
		return false
	}
	return m.Len() == 0 || m.Len() < others && m.bytes+size <= MaxBytes
}

// Push adds an item, whether there is room for it or not.
func (m *Mailbox[T]) Push(all *Mailboxes[T], item T) {
	m.addBytes(all, all.size(item))
	if m.Len() == 0 {
		m.queue.Use(all.spare.Get().(*[spareSize]T)[:])
	}
	m.queue.Push(item)
}

// Pop takes the oldest item. There must be one.
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

// Drain takes all items.
func (m *Mailbox[T]) Drain(all *Mailboxes[T]) []T {
	m.addBytes(all, -m.bytes)
	return m.queue.Drain()
}

func (m *Mailbox[T]) addBytes(all *Mailboxes[T], bytes int64) {
	m.bytes += bytes
	all.bytes.Add(bytes)
}

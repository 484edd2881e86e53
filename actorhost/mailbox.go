package actorhost

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// mailbox is a queue of work. While it is empty it has no memory of its own: most are.
type mailbox struct {
	queue queue.FIFO[work]
	bytes int64         // of the messages that wait
	all   *atomic.Int64 // bytes, in all mailboxes of the host
}

// What waits in one mailbox, besides its first message, and in all of a host. A message may be as large as the server
// allows, and a thousand of the largest must not be the end of the process.
const maxMailboxBytes, maxWaitingBytes = 64 << 20, 512 << 20

// fewWork are as many items as the memory is for that mailboxes hand on to each other.
const fewWork = 8

var spareWork = sync.Pool{New: func() any { return new([fewWork]work) }}

func (m *mailbox) len() int { return m.queue.Len() }

func (m *mailbox) waiting() []work { return m.queue.Items() }

// takes reports whether there is room for w beside fewer than a number of others.
func (m *mailbox) takes(w *work, others int) bool {
	added := int64(w.size)
	if m.all.Load()+added > maxWaitingBytes {
		return false
	}
	return m.len() == 0 || m.len() < others && m.bytes+added <= maxMailboxBytes
}

func (m *mailbox) push(w work) {
	m.count(int64(w.size))
	if m.len() == 0 {
		m.queue.Use(spareWork.Get().(*[fewWork]work)[:])
	}
	m.queue.Push(w)
}

// pop takes the oldest. There must be one.
func (m *mailbox) pop() work {
	w := m.queue.Pop()
	m.count(-int64(w.size))
	if m.len() == 0 {
		if memory := m.queue.Drain(); cap(memory) == fewWork {
			spareWork.Put((*[fewWork]work)(memory[:fewWork]))
		}
	}
	return w
}

// drain takes all.
func (m *mailbox) drain() []work {
	m.count(-m.bytes)
	return m.queue.Drain()
}

func (m *mailbox) count(bytes int64) {
	m.bytes += bytes
	m.all.Add(bytes)
}

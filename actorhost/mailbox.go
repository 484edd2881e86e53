package actorhost

import (
	"sync"
	"sync/atomic"
)

// mailbox is a first-in first-out queue of work. While it is empty it has no memory of its own: most are.
type mailbox struct {
	work  []work
	head  int           // what is before it is done
	bytes int64         // of the messages that wait
	all   *atomic.Int64 // bytes, in all mailboxes of the host
}

// What waits in one mailbox, besides its first message, and in all of a host. A message may be as large as the server
// allows, and a thousand of the largest must not be the end of the process.
const maxMailboxBytes, maxWaitingBytes = 64 << 20, 512 << 20

// fewWork are as many items as the memory is for that mailboxes hand on to each other.
const fewWork = 8

var spareWork = sync.Pool{New: func() any { return new([fewWork]work) }}

func (m *mailbox) len() int { return len(m.work) - m.head }

func (m *mailbox) waiting() []work { return m.work[m.head:] }

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
	if m.work == nil {
		m.work = spareWork.Get().(*[fewWork]work)[:0]
	}
	if m.head > fewWork && m.head > len(m.work)/2 {
		m.work = append(m.work[:0], m.work[m.head:]...)
		clear(m.work[len(m.work):cap(m.work)])
		m.head = 0
	}
	m.work = append(m.work, w)
}

// pop takes the oldest. There must be one.
func (m *mailbox) pop() work {
	w := m.work[m.head]
	m.count(-int64(w.size))
	m.work[m.head] = work{}
	m.head++
	if m.head == len(m.work) {
		if cap(m.work) == fewWork {
			spareWork.Put((*[fewWork]work)(m.work[:fewWork]))
		}
		m.head, m.work = 0, nil
	}
	return w
}

// drain takes all.
func (m *mailbox) drain() []work {
	all := m.work[m.head:]
	m.count(-m.bytes)
	*m = mailbox{all: m.all}
	return all
}

func (m *mailbox) count(bytes int64) {
	m.bytes += bytes
	m.all.Add(bytes)
}

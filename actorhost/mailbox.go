package actorhost

// mailbox is a first-in first-out queue of work. It keeps its memory while that is small.
type mailbox struct {
	work []work
	head int // what is before it is done
}

// keepWork is how much memory, in items, an empty mailbox may keep.
const keepWork = 8

func (m *mailbox) len() int { return len(m.work) - m.head }

func (m *mailbox) waiting() []work { return m.work[m.head:] }

func (m *mailbox) push(w work) {
	if m.head > keepWork && m.head > len(m.work)/2 {
		m.work = append(m.work[:0], m.work[m.head:]...)
		clear(m.work[len(m.work):cap(m.work)])
		m.head = 0
	}
	m.work = append(m.work, w)
}

// pop takes the oldest. There must be one.
func (m *mailbox) pop() work {
	w := m.work[m.head]
	m.work[m.head] = work{}
	m.head++
	if m.head == len(m.work) {
		m.head, m.work = 0, m.work[:0]
		if cap(m.work) > keepWork {
			m.work = nil
		}
	}
	return w
}

// drain takes all.
func (m *mailbox) drain() []work {
	all := m.work[m.head:]
	*m = mailbox{}
	return all
}

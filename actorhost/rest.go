package actorhost

import (
	"time"
)

// An actor that nobody calls is at rest after restAfter: it keeps its state, but not the encoding of it, which is as
// large, until it is called again. After the time of its type it falls asleep. A timer for each would take memory, and a
// look at the clock time in every call, so the host goes round instead, and finds that an actor was not called since it
// last came by.
const restAfter = 4 * time.Second

// checkIdle puts an actor to rest, or to sleep, that has been idle for long enough. It reports whether the caller must have
// it worked off.
func (a *activation) checkIdle(now time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running || a.closed || !a.awake {
		return false
	}
	if a.used {
		a.used, a.idleSince = false, now
	}
	idle := now - a.idleSince
	if idle >= restAfter {
		a.current = nil
		a.gate.rest()
	}
	if idle < a.kind.config.SleepAfter || a.connections.len() > 0 {
		return false
	}
	a.mailbox.Push(a.host.mailboxes, work{kind: sleepWork})
	a.running = true
	return true
}

// rest drops what can be made again, unless somebody is at it. The caller holds the mutex of the activation, which others
// take when they hold that of the gate.
func (g *gate) rest() {
	if !g.mu.TryLock() {
		return
	}
	defer g.mu.Unlock()
	if !g.asked && !g.outbox.relaying && g.behind == nil {
		g.state, g.flying, g.next = nil, nil, nil
	}
}

// refresh makes the encoding again that an actor has dropped at rest.
func (a *activation) refresh() (err error) {
	if a.created && a.current == nil {
		a.current, err = a.encode([]byte{})
	}
	return err
}

// unchanged is what the record has for the state of a turn that has not changed it.
func (a *activation) unchanged() []byte {
	if a.stored != nil {
		return a.stored
	}
	return a.current
}

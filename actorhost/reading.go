package actorhost

import (
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/readers"
	"github.com/troupe-go/troupe/internal/dedup"
)

// Read-only actions run beside each other, and nothing else of the actor runs beside them. One begins on the goroutine of the
// turns, and most end there. When it calls another actor, or takes long while others wait, it lends that role (package readers):
// another goroutine goes on with the mailbox, up to what is not read-only. That waits until all of them have ended, and what is
// behind it waits too. So none is passed over.

// runRead runs a read-only action. Its reply waits for the changes that it has seen, as any.
func (a *activation) runRead(began time.Duration, t turn, w *work, f func(*Context) error) (r result, err error) {
	a.limitTurn(began, &t)
	check := a.toCheck(w.arg.(*endpoint))
	c := &Context{a: a, turn: t, began: began, goroutine: a.goroutine}
	a.startReading(c)
	over := false
	defer func() {
		if !over { // the goroutine ends
			w.lent, _ = a.endReading(c)
		}
	}()
	r, err = c.run(f)
	lent, alone := a.endReading(c)
	w.lent = lent
	over, r.ended = true, a.host.clock.Now()
	if err != nil {
		err = a.callerError(c, err)
	} else {
		err = a.leaseOver(t, r.ended)
	}
	switch {
	case check && alone && !w.lent:
		if changed := a.checkRead(t.action); changed != nil {
			err = changed
		}
	case check:
		a.checkReadLater(t.action)
	}
	a.count(c, r.ended, err)
	if err != nil {
		err = afterCalls(&r, t, err)
	}
	return r, err
}

// startReading has a read-only action be the turn that runs. It may lend its role, unless the host does not own the actor as it
// should.
func (a *activation) startReading(c *Context) {
	a.now.Store(c)
	if a.kind.config.CancelWithCaller && a.setRunning(c) {
		c.cancel()
	}
	if !a.awake || a.borrowed != nil || c.turn.confirmed {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readersBook().Begin(c.goroutine, nameOf(a.serving), c, a.mailbox.Len())
}

// readersBook is that of the activation. The caller holds a.mu.
func (a *activation) readersBook() *readers.Book[callName, *Context] {
	if a.readers == nil {
		a.readers = readers.New[callName, *Context](a.lendLate)
	}
	return a.readers
}

// endReading has a read-only action be over. It reports whether the action has lent its role. Alone reports whether no others run
// that have.
func (a *activation) endReading(c *Context) (lent, alone bool) {
	a.mu.Lock()
	lent, alone = a.readers.End(c.goroutine)
	a.mu.Unlock()
	if !lent {
		a.now.Store(nil)
		if a.kind.config.CancelWithCaller {
			a.setRunning(nil)
		}
	}
	return lent, alone
}

// lendLate has the read-only action that runs lend its role, if it takes long.
func (a *activation) lendLate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.readers.Late()
	if ok && a.host.clock.Now()-c.began >= readers.LendAfter {
		a.lendRole(c)
	} else {
		a.readers.Behind(a.mailbox.Len()) // another one
	}
}

// lend has a read-only action lend its role, because it is about to wait.
func (a *activation) lend(c *Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.readers.Runs(c.goroutine) && a.now.Load() == c {
		a.lendRole(c)
	}
}

// lendRole has it lend its role. The caller holds a.mu.
func (a *activation) lendRole(c *Context) {
	a.readers.Lend()
	a.now.CompareAndSwap(c, nil)
	a.serving, a.used = dedup.ID{}, true
	if a.canceled != nil {
		a.canceled.serving, a.canceled.running = false, nil
	}
	if a.running = a.mailbox.Len() > 0 || a.ending != 0; a.running {
		a.host.ready.Add(a)
	}
}

// checkReadLater has an action checked before anything else than read-only ones runs.
func (a *activation) checkReadLater(action string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readers.CheckLater(action)
}

// readingOver is told that a read-only action which has lent its role is answered.
func (a *activation) readingOver(goroutine uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used = true
	goOn := a.readers.Over(goroutine, a.readerIsNext())
	if !a.running && a.readers.HasUnchecked() {
		goOn, a.running = true, true
	}
	if goOn {
		a.host.ready.Add(a)
	}
}

// readingExits is readingOver for an action that was cut off. Exits says that its goroutine ends, and not only what it did.
func (a *activation) readingExits(goroutine uint64, exits bool) {
	if exits {
		a.mu.Lock()
		a.readers.Exit()
		a.mu.Unlock()
	}
	a.readingOver(goroutine)
}

// runsAgain reports whether somebody must take up the role of the goroutine of the turns, after a goroutine has ended.
func (a *activation) runsAgain() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.readers.Exited()
}

package actorhost

import (
	"time"

	"github.com/troupe-go/troupe/internal/errs"
)

// doNext does the next work in the mailbox. If it returns false there was none, and the goroutine must not touch the
// activation any more.
func (a *activation) doNext(goroutine uint64) (more bool) {
	a.gate.WaitForRoom()
	a.goroutine = goroutine
	w, ok := a.next()
	if !ok {
		return false
	}
	returned := false
	defer a.guard(&w, goroutine, &returned, &more)
	switch w.kind {
	case callWork:
		if a.serveCall(&w); w.lent {
			a.readingOver(goroutine)
			returned = true
			return false
		}
	case eventWork, gapWork:
		a.handleHeard(&w)
	case disconnectWork:
		a.disconnect(w.arg.(*Connection))
	case dueWork:
		a.workDue(&w)
	case insideWork:
		w.arg.(*inside).run(a)
	case lapseWork:
		a.stopOrStartLoop()
	case sleepWork:
		a.fallAsleep()
	case stopWork:
		if a.awaitsStep() {
			break
		}
		a.disconnectAll()
		a.runHook("sleep", a.kind.hooks.sleep)
		a.finished = true
	case checkWork:
		_ = a.checkRead(w.arg.([]string)...) // which logs it; they are answered
	case dropWork:
		a.finished = true
	}
	if a.flowAgain && a.flow == nil {
		a.plan()
		a.runFlow()
	}
	returned = true
	return true
}

// fallAsleep runs the sleep hook and ends the activation, unless work or a connection has come meanwhile.
func (a *activation) fallAsleep() {
	a.mu.Lock()
	wanted := a.mailbox.Len() > 0 || a.connections.len() > 0 || a.worksBeside() || a.snapshotReads.busy()
	a.mu.Unlock()
	if wanted {
		return
	}
	a.runHook("sleep", a.kind.hooks.sleep)
	a.finished = true
}

// endBorrowing has the next wake claim the actor, if that may work by now.
func (a *activation) endBorrowing(now time.Duration) {
	if a.borrowed == nil || now-a.borrowed.since < borrowFor {
		return
	}
	a.borrowed, a.awake = nil, false
	a.endListeners()
	a.unsubscribe()
}

// release gives up all that an activation has besides its mailbox, once its changes are stored.
func (a *activation) release() {
	a.endSnapshotReads()
	a.giveUpResults()
	if a.destroyed {
		a.endStreams(errStreamDestroyed)
	} else {
		a.endStreams(errStreamSuspended)
	}
	a.comesBack = a.endBeside() || !a.gone && a.flowGoesOn()
	if a.gate.Settle() == nil && !a.comesBack { // on failure the gate tells those who wait
		a.removeUnsentMark(a.host.ctx)
	}
	if !a.gate.Flush() {
		a.session.Unflushed.Store(true)
	}
	a.gate.Leave()
	if a.destroyed && a.kind.workflows != nil {
		a.forgetAllSteps()
	}
	if a.destroyed {
		a.forgetItems()
	}
	if a.planned {
		a.host.agenda.Remove(a)
	}
	a.endListeners()
	a.dropConnections()
	a.unsubscribe()
}

// guard is deferred around work in the mailbox, and does nothing if the work has returned. Otherwise a panic that nothing
// inside has recovered, or runtime.Goexit, has cut the work off: guard drops the activation, which is loaded again
// without what that turn has done, and tells who has called. Nothing stops a Goexit: the pool goes on in another
// goroutine.
func (a *activation) guard(w *work, goroutine uint64, returned, more *bool) {
	if *returned {
		return
	}
	thrown, exits := errGoexit, true
	if p := recover(); p != nil {
		thrown, exits = panicked(p), false
	}
	err := a.internalError(a.turnOn(goroutine), turnOf(w), thrown)
	if w.lent {
		a.answer(w, nil, err)
		a.readingExits(goroutine, exits)
		return
	}
	*more, a.finished = true, true
	a.now.Store(nil)
	switch w.kind {
	case callWork:
		w.CountRefused(errs.As(err))
		a.answer(w, nil, err)
	case insideWork:
		w.arg.(*inside).finish(err)
	}
}

package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
	"github.com/troupe-go/troupe/internal/errs"
)

// canceledCalls are the calls whose callers have given up. The activation's mutex guards it.
type canceledCalls struct {
	waiting mailbox.Canceled[callName]
	serving bool     // the call that is served is one
	running *Context // of the turn that ends with its caller; else nil
}

// cancel makes a call that waits be passed over. If it runs, its Context is done, where the type wants that.
func (a *activation) cancel(name callName) {
	if running := a.cancelWaiting(name); running != nil {
		running.cancel()
	}
}

// cancelWaiting notes a call that may wait. If it runs instead and ends with its caller, it returns its Context.
func (a *activation) cancelWaiting(name callName) (running *Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	canceled := a.canceledCalls()
	if c, reads := a.readers.Find(name); reads {
		if a.kind.config.CancelWithCaller {
			running = c
		}
		return running
	}
	if w := a.snapshotReads.find(name); w != nil {
		w.withdrawn = true
		w.CountRefused(errCallerGone)
		return nil
	}
	if a.hasStarted(name) {
		canceled.serving = true // its action may be yet to come
		return canceled.running
	}
	canceled.waiting.Add(name, a.mailbox.Len())
	return nil
}

// canceledCalls are those of the activation. The caller holds a.mu.
func (a *activation) canceledCalls() *canceledCalls {
	if a.canceled == nil {
		a.canceled = new(canceledCalls)
	}
	return a.canceled
}

// setRunning notes the Context of the turn that ends with its caller, and reports whether that has gone already. With nil
// there is none.
func (a *activation) setRunning(c *Context) (gone bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	canceled := a.canceledCalls()
	canceled.running = c
	return canceled.serving
}

var errCallerGone = errs.New(troupe.CodeCanceled, "the caller gave up")

// passOver reports whether work that has just left the mailbox is a call that was withdrawn, or canceled. It counts one that
// was canceled. The caller holds a.mu.
func (a *activation) passOver(w *work) bool {
	if a.canceled != nil && a.canceled.waiting.Has(nameOf(w.ID)) && !w.withdrawn {
		w.CountRefused(errCallerGone)
		return true
	}
	return w.withdrawn
}

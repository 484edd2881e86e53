package actorhost

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

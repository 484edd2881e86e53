package actorhost

// doNext does the next thing in the mailbox. It reports whether there was one: without it the goroutine must leave the
// activation alone.
func (a *activation) doNext() bool {
	a.gate.WaitForRoom()
	w, ok := a.next()
	if !ok {
		return false
	}
	switch w.kind {
	case callWork:
		a.serveCall(&w)
	case eventWork, gapWork:
		a.handleHeard(&w)
	case disconnectWork:
		a.disconnect(w.arg.(*Connection))
	case sleepWork:
		a.fallAsleep()
	case stopWork:
		a.disconnectAll()
		a.runHook("sleep", a.kind.hooks.sleep)
		a.finished = true
	case dropWork:
		a.finished = true
	}
	return true
}

// fallAsleep runs the sleep hook, unless something has come to do in the meantime.
func (a *activation) fallAsleep() {
	a.mu.Lock()
	wanted := a.mailbox.Len() > 0 || a.connections.len() > 0
	a.mu.Unlock()
	if wanted {
		return
	}
	a.runHook("sleep", a.kind.hooks.sleep)
	a.finished = true
}

// release gives up what an activation has besides its mailbox, once all is stored.
func (a *activation) release() {
	if a.gate.Settle() == nil { // who waits for a write that fails is told by the gate
		a.removeUnsentMark()
	}
	if !a.gate.Flush() {
		a.session.Unflushed.Store(true)
	}
	a.endListeners()
	a.dropConnections()
	a.unsubscribe()
}

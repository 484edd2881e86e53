package actorhost

// work does the next thing in the mailbox. It reports whether there was one: without it the goroutine must leave the
// activation alone.
func (a *activation) work() bool {
	a.gate.uncrowd()
	w, ok := a.next()
	if !ok {
		return false
	}
	switch w.kind {
	case callWork:
		a.serve(&w)
	case eventWork, gapWork:
		a.handle(&w)
	case leftWork:
		a.hangUp(w.about.(*Connection))
	case sleepWork:
		a.fallAsleep()
	case stopWork:
		a.hangUpAll()
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

// retire gives up what an activation has besides its mailbox, once all is stored.
func (a *activation) retire() {
	if a.gate.settle() == nil { // who waits for a write that fails is told by the gate
		a.unmarkSent()
	}
	a.gate.land()
	a.unlisten()
	a.abandon()
	a.unsubscribe()
}

package actorhost

// requestEnd makes the activation end before it does anything more from its mailbox.
func (a *activation) requestEnd(why workKind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.ending = why
	if !a.running {
		a.running = true
		a.host.ready.Add(a)
	}
}

// endInTurn makes the activation end after what is in its mailbox now.
func (a *activation) endInTurn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.push(work{kind: stopWork})
	if !a.running {
		a.running = true
		a.host.ready.Add(a)
	}
}

// ended returns a channel that is closed once the host has removed the activation.
func (a *activation) ended() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.endedSignal == nil {
		a.endedSignal = make(chan struct{})
		if a.closed {
			close(a.endedSignal)
		}
	}
	return a.endedSignal
}

// close makes the mailbox take nothing more, and returns the work that was not done.
func (a *activation) close() []work {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.endedSignal != nil {
		close(a.endedSignal)
	}
	return a.drain()
}

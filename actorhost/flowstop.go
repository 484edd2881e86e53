package actorhost

// A host that stops gives the steps of workflows that run the time that it gives turns. Until then their actors stay: they take calls, and
// store what the steps give. No other step begins.

// awaitsStep reports whether the actor must not end yet, because a step of its workflow runs. It is to end when that has ended.
func (a *activation) awaitsStep() bool {
	if a.flow == nil || !a.host.stops.begun.Load() || a.host.stops.cut.Load() {
		return false
	}
	a.flow.last.Store(true)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending == stopWork {
		a.ending = 0
	}
	return true
}

// flowGoesOn reports whether the workflow is to go on elsewhere, though no pass of it was cut off.
func (a *activation) flowGoesOn() bool {
	return a.host.stops.begun.Load() && a.awake && a.workflowRuns()
}

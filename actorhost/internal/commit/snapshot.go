package commit

// KeepSnapshots has the zero Gate keep what is stored for [Gate.Snapshot].
func (g *Gate) KeepSnapshots() { g.snapshot = new(Snapshot) }

// Snapshot returns the state that was stored last, or nil if there is none, or none that is certainly the actor's any more. A
// reply that tells of a change leaves after this returns that change, or a later one. It may be called at any time.
func (g *Gate) Snapshot() *Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.snapshot == nil || g.snapshot.State == nil || g.closed != nil || g.ending {
		return nil
	}
	return g.snapshot
}

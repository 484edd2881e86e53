package actorhost

import (
	"fmt"

	"github.com/troupe-go/troupe/codec"
)

// stateCheck is what Config.CheckState needs to know of an activation.
type stateCheck struct {
	hidden map[string]uint64 // the unexported fields when the actor woke
	told   map[string]bool
}

// startCheck remembers what the actor has once it is awake.
func (a *activation) startCheck() {
	if a.host.config.CheckState != nil {
		a.check = &stateCheck{codec.Hidden(a.state.pointer()), make(map[string]bool)}
	}
}

// checkState tells Config.CheckState what the next life of the actor would not find. stored is what the turn has
// stored, or nil.
func (a *activation) checkState(action string, stored []byte) {
	if a.check == nil {
		return
	}
	if err := protect(func() error { return a.reloads(stored) }); err != nil {
		a.tellLost(action, err)
	}
	hidden := codec.Hidden(a.state.pointer())
	for path := range a.check.hidden {
		if _, still := hidden[path]; !still {
			hidden[path] = 0
		}
	}
	for path, now := range hidden {
		if now != a.check.hidden[path] {
			a.tellLost(action, fmt.Errorf("%s: it is unexported and has changed: it is lost when the actor sleeps. "+
				"Export it, or tag it json:\"-\" if it may be lost", path))
		}
	}
}

// reloads compares the state with the one that the next life would begin with.
func (a *activation) reloads(stored []byte) error {
	if stored == nil {
		return nil
	}
	next := a.kind.newState()
	if err := next.restore(stored); err != nil {
		return err
	}
	return codec.Difference(a.state.pointer(), next.pointer())
}

func (a *activation) tellLost(action string, err error) {
	if text := err.Error(); !a.check.told[text] {
		a.check.told[text] = true
		a.host.config.CheckState(a.id, fmt.Errorf("after %s: %w", action, err))
	}
}

// Package lives finds what a turn leaves in an actor's memory that the actor's next life would not find.
package lives

import (
	"fmt"

	"github.com/troupe-go/troupe/codec"
)

// Check compares the lives of one actor. A nil Check does nothing.
type Check struct {
	tell   func(lost error)
	hidden map[string]uint64 // the unexported fields when the actor woke
	told   map[string]bool
	skip   int // how many turns are not looked at, because the last look took long
}

// perTurn is how many bytes of a state are looked at for each turn: tests of actors with large states must not take as
// long as the square of what they do.
const perTurn = 8 << 10

// New remembers the state of an actor that has woken. It tells each place where something is lost once.
func New(state any, tell func(lost error)) *Check {
	return &Check{tell: tell, hidden: codec.Hidden(state), told: make(map[string]bool)}
}

// Turn checks the state that an action has left, whose encoding has so many bytes. next decodes what the action has stored,
// or is nil if that is nothing. After a large state it does nothing for some turns.
func (c *Check) Turn(action string, state any, size int, next func() (any, error)) {
	if c == nil {
		return
	}
	if c.skip--; c.skip >= 0 {
		return
	}
	c.skip = size / perTurn
	if next != nil {
		decoded, err := next()
		if err == nil {
			err = codec.Difference(state, decoded)
		}
		c.lost(action, err)
	}
	hidden := codec.Hidden(state)
	for path := range c.hidden {
		if _, still := hidden[path]; !still {
			hidden[path] = 0
		}
	}
	for path, now := range hidden {
		if now != c.hidden[path] {
			c.lost(action, fmt.Errorf("%s: it is unexported and has changed: it is lost when the actor sleeps. "+
				"Export it, or tag it json:\"-\" if it may be lost", path))
		}
	}
}

func (c *Check) lost(action string, err error) {
	if err != nil && !c.told[err.Error()] {
		c.told[err.Error()] = true
		c.tell(fmt.Errorf("after %s: %w", action, err))
	}
}

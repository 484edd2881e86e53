package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
)

// What one turn tells others at most: see [troupe.Action.Tell].
const maxTold, maxToldBytes = 1024, 8 << 20

var _ origin.StoredTurn = (*nestingTurn)(nil)

// WhenStored implements origin.StoredTurn.
func (t *nestingTurn) WhenStored(bytes int, send func()) error {
	c := (*Context)(t)
	if err := c.refusedTo("tell", "others"); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errTurnOver
	}
	e := c.effectsToFill()
	if len(e.told) == maxTold || e.toldBytes+bytes > maxToldBytes {
		return errs.New(troupe.CodeTooLarge, "%s.%s tells more than one turn may: %d times, and %d MB in all",
			c.a.id, c.turn.action, maxTold, maxToldBytes>>20)
	}
	e.told = append(e.told, send)
	e.toldBytes += bytes
	return nil
}

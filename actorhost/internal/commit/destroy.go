package commit

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// Destroy removes the actor's record once all that was to be written before is written, and sends o. Durable events are
// kept before, for afterwards there is no record of them. Whether it succeeds or not, the activation must end: nothing is
// written any more.
func (g *Gate) Destroy(o *Output, c *Changes) (gone bool) {
	o.changes = true
	durable := o.isDurable()
	if durable {
		g.Pass(&Output{Events: o.Events, Pushes: o.Pushes}, c)
		o.Events, o.Pushes, c = nil, nil, &Changes{}
	}
	last := record.Record{Epoch: g.actor.Epoch()}
	g.mu.Lock()
	err := g.settle()
	g.ending = true
	last.Revision = g.revision
	g.apply(c.Parts)
	if g.parts.InOrder() != nil {
		g.parts.Fill(&last)
	}
	g.mu.Unlock()
	if err == nil {
		faults.At(faults.BeforeCommit)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(g.host.Ctx), destroyTimeout)
		defer cancel()
		err = g.host.Store.Delete(ctx, g.actor.ID(), last)
	}
	if err != nil {
		g.failed(destroying, err)
		if durable { // and perhaps stored
			err = fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
		}
		g.refuse(o, err)
		return false
	}
	g.host.Faults.Works(destroying)
	g.mu.Lock()
	told, size := g.flushed(nil), g.size
	g.mu.Unlock()
	g.actor.Grown(-size - store.StoredExtra)
	g.settleSegment(told)
	faults.At(faults.AfterCommit)
	_ = g.send(o, false) // nothing durable
	return true
}

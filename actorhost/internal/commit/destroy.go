package commit

import (
	"context"
	"log/slog"

	"github.com/troupe-go/troupe/actorhost/internal/faults"
)

// Destroy removes the actor's record once all that was to be written before is written, and sends o. Durable events are
// kept before, for afterwards there is no record of them.
func (g *Gate) Destroy(o *Output, c *Changes) {
	if o.isDurable() {
		g.Pass(&Output{Events: o.Events}, c)
		o.Events, c = nil, &Changes{}
	}
	err := g.Settle()
	g.mu.Lock()
	g.ending = true
	g.mu.Unlock()
	if err == nil {
		faults.At(faults.BeforeCommit)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(g.host.Ctx), destroyTimeout)
		defer cancel()
		err = g.host.Store.Delete(ctx, g.actor.ID(), g.revision)
	}
	g.mu.Lock()
	g.ending = err == nil
	var told segmentEnd
	if err == nil {
		told = g.flushed(nil)
		g.apply(c.Parts)
	}
	g.mu.Unlock()
	if err != nil {
		g.actor.Logger().Warn("destroying the actor failed", slog.Any("error", err))
		g.refuse(o, err)
		return
	}
	g.settleSegment(told)
	faults.At(faults.AfterCommit)
	_ = g.send(o, false) // nothing durable
}

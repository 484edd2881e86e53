package actorhost

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
)

// Invoke makes a call on behalf of the actor: see [troupe.Action.Call].
func (c *Context) Invoke(ctx context.Context, call troupe.Invocation) error {
	// The reference in use may come from an earlier turn. Then ctx knows the running one.
	now := c
	running, ok := FromContext(ctx)
	if ok && running.a.id == c.a.id {
		now = running
	}
	h := c.a.host
	if now.hasEnded() {
		if ok {
			return &troupe.Error{Code: errTurnOver.Code,
				Message: fmt.Sprintf("calling %s.%s: %s", call.ID, call.Action, errTurnOver.Message)}
		}
		return c.a.call(origin.With(ctx, origin.Origin{Host: &h.origin}), call)
	}
	if call.Tell {
		return c.a.call(origin.With(ctx, now.origin()), call)
	}
	until, _ := now.Deadline()
	if deadline, ok := ctx.Deadline(); !ok || until.Before(deadline) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until)
		defer cancel()
	}
	if now.turn.readOnly {
		c.a.lend(now)
	}
	if err := now.settle(); err != nil {
		return err
	}
	now.called.Store(true)
	return c.a.call(origin.With(ctx, now.origin()), call)
}

// call makes a call for the actor, and counts it.
func (a *activation) call(ctx context.Context, call troupe.Invocation) error {
	err := a.host.client.Invoke(ctx, call)
	var failed *troupe.Error
	if err != nil {
		failed = errs.As(err)
	}
	a.host.neighbours.Count(a.id, &call, failed, a.host.clock.Now())
	return err
}

// settle waits until what earlier turns have changed is stored, before others can see it.
func (c *Context) settle() error {
	if c.turn.snapshot { // all that it has seen is
		return nil
	}
	if err := c.a.gate.Settle(); err != nil {
		return errs.Unavailable("%v", err)
	}
	return nil
}

package actorhost

import (
	"context"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// plainContext is a Context without what an interceptor has put into it: what the interceptor gets.
type plainContext struct {
	*timedContext

	c *Context
}

// Value implements context.Context.
func (p plainContext) Value(key any) any {
	if value := p.c.ownValue(key); value != nil {
		return value
	}
	return p.timedContext.Value(key)
}

// operation is the turn as an interceptor sees it.
func (c *Context) operation() *troupe.Operation {
	t := &c.turn
	op := &troupe.Operation{
		Kind: troupe.OperationKind(t.kind), Actor: c.a.id, Name: t.action, RequestID: strings.Clone(t.id.String()),
		Header: t.header.CarriedIn(wire.Carried[:]), Durable: t.durable,
	}
	if t.arrived != 0 {
		op.Waited = c.began - t.arrived
	}
	if t.delivery != nil {
		op.Source = t.delivery.Actor
	}
	return op
}

// enter has the turn run in the context of an interceptor, and no longer than that.
func (c *Context) enter(ctx context.Context) {
	within, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	plain := c.timed
	c.within, c.timed = within, &timedContext{within, func() { cancel(); plain.cancel() }}
	if c.callerGone || c.ended {
		c.timed.cancel()
	}
}

// emitWithin calls emit within the interceptor of the host, which may set what travels with the event.
func (c *Context) emitWithin(e *troupe.Emission, emit func(carried wire.Header) error) error {
	op := troupe.Operation{Kind: troupe.OpPublish, Actor: c.a.id, Name: e.Event, Durable: e.Durable}
	return c.sendWithin(c, op, func(_ context.Context, carried wire.Header) error { return emit(carried) })
}

// pushWithin is emitWithin for a message of a queue.
func (c *Context) pushWithin(ctx context.Context, p *troupe.PushRequest, push func(context.Context, wire.Header) error) error {
	return c.sendWithin(ctx, troupe.Operation{Kind: troupe.OpPush, Actor: p.ID, Name: p.Queue, RequestID: p.PushID}, push)
}

func (c *Context) sendWithin(ctx context.Context, op troupe.Operation, send func(context.Context, wire.Header) error) error {
	intercept := c.a.host.config.Intercept
	if intercept == nil {
		return send(ctx, wire.Header(nil).WithCarried(c.turn.header, wire.Traced))
	}
	op.Header = c.turn.header.CarriedIn(wire.Traced)
	return intercept(ctx, &op, func(ctx context.Context) error {
		if err := wire.CheckCarried(op.Header); err != nil {
			return err
		}
		return send(ctx, wire.Header(nil).WithCarried(wire.CarriedBy(op.Header), wire.Traced))
	})
}

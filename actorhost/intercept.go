package actorhost

import (
	"context"
	"strings"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
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

// intercepted runs f within the interceptor of the host.
func (c *Context) intercepted(intercept troupe.Interceptor, f func(*Context) error) error {
	op := c.operation()
	_ = c.context() // there is one
	c.mu.Lock()
	plain := plainContext{c.timed, c}
	c.mu.Unlock()
	var one onceWithin
	err := intercept(plain, op, func(ctx context.Context) error {
		return one.do(func() error {
			c.enter(ctx)
			err := protect(func() error { return c.act(f) })
			if err == nil {
				return nil
			}
			return c.a.callerError(c, err)
		})
	})
	return one.over(err)
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

// onceWithin lets what an interceptor is given run once, and not longer than the interceptor.
type onceWithin struct {
	mu   sync.Mutex
	done bool
	ran  bool
	err  error // of what has run
}

var (
	errNotNext   = errs.New(troupe.CodeInternal, "an interceptor has neither called next nor returned an error")
	errNextAgain = errs.New(troupe.CodeInternal, "an interceptor has called next twice, or after its return")
)

func (o *onceWithin) do(f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return errNextAgain
	}
	o.done, o.ran, o.err = true, true, errGoexit
	o.err = f()
	return o.err
}

// over waits for what runs, and returns what has become of it. Nothing makes a success of a failure.
func (o *onceWithin) over(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	switch {
	case err != nil:
		return err
	case !o.ran:
		return errNotNext
	}
	return o.err
}

// GetCarried implements origin.Turn.
func (t *nestingTurn) GetCarried(name string) string { return t.turn.header.GetCarried(name) }

// GetCarried implements origin.Turn: a step begins on its own.
func (*nestingStep) GetCarried(string) string { return "" }

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

// tryWithin runs a try of a step within the interceptor of the host.
func (c *StepContext) tryWithin(ctx context.Context, do func() error) error {
	intercept := c.f.a.host.config.Intercept
	if intercept == nil {
		return do()
	}
	op := &troupe.Operation{
		Kind: troupe.OpStep, Actor: c.f.a.id, Name: c.key, RequestID: c.IdempotencyKey(), Header: make(troupe.Header),
	}
	var one onceWithin
	err := intercept(ctx, op, func(ctx context.Context) error {
		return one.do(func() error {
			c.besideCaller = besideCaller{ctx, c.f.beside}
			return protect(do)
		})
	})
	return one.over(err)
}

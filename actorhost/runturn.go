package actorhost

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
)

// runTurn runs f as one turn. If f fails, or its changes cannot be stored, the state is rolled back. The error is a
// *troupe.Error.
func (a *activation) runTurn(t turn, f func(*Context) error) (result, error) {
	return a.runTurnAt(a.host.clock.Now(), t, f)
}

// runTurnAt is runTurn for a caller that has just read the clock.
func (a *activation) runTurnAt(began time.Duration, t turn, f func(*Context) error) (result, error) {
	a.limitTurn(began, &t)
	if err := a.ensureEncoded(); err != nil {
		return result{}, a.internalError(nil, t, fmt.Errorf("encoding the state: %w", err))
	}
	if t.counters == nil {
		t.counters = a.kind.others.Of(t.kind, t.action)
	}
	c := &Context{a: a, turn: t, began: began, goroutine: a.goroutine}
	a.now.Store(c)
	defer a.now.Store(nil)
	if a.kind.config.CancelWithCaller {
		if a.setRunning(c) {
			c.cancel()
		}
		defer a.setRunning(nil)
	}
	r, err := c.run(f)
	a.misread = a.misread || r.misread
	ended := a.host.clock.Now()
	switch {
	case err != nil:
		err = a.callerError(c, err)
	case len(r.direct) > 0 && t.confirmed:
		err = a.cannotWrite(t)
	case !r.destroyed:
		r.State, err = a.encodeIfChanged(t, &r.Changes, ended)
	}
	a.count(c, ended, err)
	if err != nil {
		a.rollBack(c)
		return result{ended: ended, called: r.called, misread: r.misread}, afterCalls(&r, t, err)
	}
	if a.check != nil {
		a.checkState(t.action, r.State)
	}
	r.ended = ended
	return r, nil
}

// limitTurn has a turn end in the time that the type gives to one.
func (a *activation) limitTurn(began time.Duration, t *turn) {
	if most := began + a.kind.config.ActionTimeout; t.deadline == 0 || t.deadline > most {
		t.deadline = most
	}
}

// afterCalls is the error of a turn that may have made calls.
func afterCalls(r *result, t turn, err error) error {
	if failed := errs.As(err); failed.Retryable && r.called {
		return errs.Called(failed, t.id.Known())
	}
	return err
}

// count counts a turn, unless its input is for another program.
func (a *activation) count(c *Context, ended time.Duration, err error) {
	t := &c.turn
	if err != nil && c.misread {
		return
	}
	one := figures.Turn{Actor: a.id.Tokens(), Kind: t.kind, ID: t.id, Run: ended - c.began}
	if err != nil {
		one.Err = errs.Find(err)
	}
	if t.arrived != 0 {
		one.Arrived, one.Wait = true, c.began-t.arrived
	}
	t.counters.Count(&one)
}

// checkState tells Config.CheckState what the actor's next life would not find.
func (a *activation) checkState(action string, stored []byte) {
	var decode func() (any, error)
	if stored != nil {
		decode = func() (any, error) {
			next := a.kind.newState()
			return next.pointer(), next.restore(stored)
		}
	}
	err := protect(func() error {
		a.check.Turn(action, a.state.pointer(), len(a.current), decode)
		return nil
	})
	if err != nil {
		a.host.config.CheckState(a.id, err)
	}
}

// run runs f, within the interceptor of the host if it has one. It returns what the turn has done.
func (c *Context) run(f func(*Context) error) (r result, err error) {
	defer func() { r = c.end() }() // even if f ends the goroutine
	defer recoverPanic(&err)
	if intercept := c.a.host.config.Intercept; intercept != nil {
		return r, c.intercepted(intercept, f)
	}
	return r, c.act(f)
}

// act runs f, and the on-destroy hook if f has called Destroy.
func (c *Context) act(f func(*Context) error) error {
	if err := meant(f(c)); err != nil {
		return err
	}
	if err := c.hasMisused(); err != nil {
		return err
	}
	if hook := c.a.kind.hooks.destroy; hook != nil && c.destroying() {
		return meant(hook(c.a.state.pointer(), c))
	}
	return nil
}

// rollBack undoes what a failed turn has changed in the exported fields and in the actor's subscriptions.
func (a *activation) rollBack(c *Context) {
	if c.effects != nil {
		for _, undo := range slices.Backward(c.effects.undo) {
			undo()
		}
	}
	a.restoreState()
}

// restoreState makes the exported fields what they were after the last turn.
func (a *activation) restoreState() {
	err := protect(func() error {
		if a.current == nil {
			a.state.reset()
			return nil
		}
		if state, err := a.state.encode(nil); err == nil && codec.Equal(state, a.current) {
			return nil
		}
		return a.state.restore(a.current)
	})
	if err != nil {
		a.finished = true
		a.logger("").Error("rolling back a failed action failed: the actor is loaded again", slog.Any("error", err))
	}
}

// callerError returns what the caller is told of an error from the actor's own code. A *troupe.Error is passed on, but
// never as retryable: this action had started.
func (a *activation) callerError(c *Context, err error) error {
	t := c.turn
	var known *troupe.Error
	late, canceled := false, false
	panicked := protect(func() error { // methods of the error run
		known = errs.Find(err)
		late, canceled = errs.Is(err, context.DeadlineExceeded), errs.Is(err, context.Canceled)
		return nil
	})
	switch {
	case panicked != nil:
		return a.internalError(c, t, panicked)
	case known != nil && troupe.CheckName("error code", string(known.Code)) == nil:
		crossing := *known
		crossing.Retryable, crossing.Err = false, nil
		return &crossing
	case late && t.deadline <= a.host.clock.Now():
		return errs.New(troupe.CodeDeadlineExceeded, "%s.%s: the time of the call ran out", a.id, t.action)
	case canceled && c.callerGone:
		return errCallerGone
	default:
		return a.internalError(c, t, err)
	}
}

// logContext is what the lines about a turn are logged with: it has what an interceptor has put there, such as a trace.
func (c *Context) logContext() context.Context {
	if within := c.entered(); within != nil {
		return within
	}
	return context.Background()
}

// internalError logs an error in full and returns what the caller is told. c is the turn, or nil if none has begun.
func (a *activation) internalError(c *Context, t turn, err error) error {
	ctx := context.Background()
	if c != nil {
		ctx = c.logContext()
	}
	a.lastingLogger(t.id.String()).ErrorContext(ctx, "an action failed", slog.String("action", t.action), slog.Any("error", err))
	return errs.New(troupe.CodeInternal, "%s.%s failed; the log of host %s tells why", a.id, t.action, a.session.ID)
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

package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// commitTimeout bounds the write of a turn's state, which no longer depends on the caller's time.
const commitTimeout = 10 * time.Second

// keepOutput is how many bytes of a buffer for outputs an activation keeps.
const keepOutput = 4 << 10

// turn is what a turn is for.
type turn struct {
	action    string
	chain     string // the actors that wait in the call
	requestID string
	deadline  time.Time // zero: only the type's own bound
}

func turnOf(w work) turn {
	return turn{
		action: w.action, deadline: w.deadline,
		chain: header(w.msg, bus.HeaderChain), requestID: header(w.msg, bus.HeaderRequestID),
	}
}

func (w work) input() input { return input{body: w.msg.Data, as: w.as} }

// serve does one call.
func (a *activation) serve(w work) {
	if !w.deadline.After(time.Now()) {
		a.host.refuse(w, &troupe.Error{Code: troupe.CodeDeadlineExceeded, Retryable: true,
			Message: "the time of the call ran out before it was its turn"})
		return
	}
	fresh := false
	if !a.awake {
		var owner string
		var err error
		if fresh, owner, err = a.wake(w); err != nil {
			a.host.refuse(w, asError(err))
			return
		} else if owner != "" {
			a.moved(w, owner)
			return
		}
	}
	if w.action == troupe.CreateAction {
		if fresh {
			a.host.reply(w, nil)
		} else {
			a.host.refuse(w, alreadyExists(a.id))
		}
		return
	}
	err := a.turn(turnOf(w), func(c *Context) error {
		output, err := w.run(a.state.pointer(), c, w.input(), a.output[:0])
		if err != nil {
			return err
		}
		a.output = output
		return a.host.fits(w, output)
	})
	if err != nil {
		a.host.replyError(w, w.as, asError(err))
	} else {
		a.host.reply(w, a.output)
	}
	if cap(a.output) > keepOutput {
		a.output = nil
	}
}

// moved sends a call, and those that wait behind it, to the host that owns the actor.
func (a *activation) moved(w work, owner string) {
	a.host.forward(w, owner, a.id)
	a.mu.Lock()
	left := a.mailbox.drain()
	a.mu.Unlock()
	for _, w := range left {
		a.host.forward(w, owner, a.id)
	}
}

// runHook runs a hook that nobody waits for.
func (a *activation) runHook(name string, f hook) {
	if f == nil || !a.awake {
		return
	}
	if err := a.turn(turn{action: name}, func(c *Context) error { return f(a.state.pointer(), c) }); err != nil {
		a.logger("").Error("a hook failed", slog.String("action", name), slog.Any("error", err))
	}
}

// turn runs f as one turn. When it returns nil, the state that f left behind is stored and the events of f are sent;
// else the state is as it was before. The error is a *troupe.Error.
func (a *activation) turn(t turn, f func(*Context) error) error {
	if most := time.Now().Add(a.kind.limits.timeout); t.deadline.IsZero() || t.deadline.After(most) {
		t.deadline = most
	}
	c := &Context{a: a, turn: t}
	err := c.run(f)
	outbox, destroy := c.end()
	if err != nil {
		err = a.crossing(t, err)
	} else {
		err = a.commit(t, destroy)
	}
	if err != nil {
		a.rollBack(c)
		return err
	}
	for _, event := range outbox {
		a.host.send(event)
	}
	return nil
}

// run runs f, and the on-destroy hook if f has called for it.
func (c *Context) run(f func(*Context) error) (err error) {
	defer recovered(&err)
	if err := f(c); err != nil {
		return err
	}
	if hook := c.a.kind.hooks.destroy; hook != nil && c.destroying() {
		return hook(c.a.state.pointer(), c)
	}
	return nil
}

// protect turns a panic of f into an error.
func protect(f func() error) (err error) {
	defer recovered(&err)
	return f()
}

func recovered(err *error) {
	if value := recover(); value != nil {
		*err = &panicError{value, debug.Stack()}
	}
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// commit stores the state that a turn has left behind, unless it is the stored one, or deletes a destroyed actor.
func (a *activation) commit(t turn, destroy bool) error {
	if !a.session.valid() {
		a.finished = true
		return unavailable("the host has lost its lease")
	}
	// The caller's time may be over; what it called for is stored all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.host.ctx), commitTimeout)
	defer cancel()
	if destroy {
		a.finished = true
		if err := a.host.records.Delete(ctx, a.id, a.revision); err != nil {
			return a.notStored(t, err)
		}
		return nil
	}
	state, err := a.encode()
	switch {
	case err != nil:
		return a.internal(t, fmt.Errorf("encoding the state: %w", err))
	case a.created && codec.Equal(state, a.stored):
		a.spare = state
		return nil
	case int64(len(state)) > a.host.records.MaxState():
		return errorf(troupe.CodeTooLarge, "the state of %s would have %d bytes, at most %d can be stored",
			a.id, len(state), a.host.records.MaxState())
	}
	at(beforeCommit)
	record := bus.Record{Owner: a.session.id, Epoch: a.epoch, Created: true, State: state, Revision: a.revision}
	revision, err := a.host.records.Put(ctx, a.id, record)
	if errors.Is(err, bus.ErrOutcomeUnknown) {
		revision, err = a.readBack(ctx, err)
	}
	if err != nil {
		a.finished = true
		return a.notStored(t, err)
	}
	at(afterCommit)
	a.revision, a.created = revision, true
	a.stored, a.spare = state, a.stored
	return nil
}

// encode encodes the state, which may run the actor's own code.
func (a *activation) encode() (state []byte, err error) {
	defer recovered(&err)
	return a.state.encode(a.spare[:0])
}

// readBack finds out whether a write that was not answered is stored. Only this activation writes with its epoch, and
// one write at a time: a newer revision of it is that write.
func (a *activation) readBack(ctx context.Context, unknown error) (uint64, error) {
	record, err := a.host.records.Get(ctx, a.id)
	if err == nil && record.Epoch == a.epoch && record.Owner == a.session.id && record.Revision > a.revision {
		return record.Revision, nil
	}
	return 0, errors.Join(unknown, err)
}

// notStored is what the caller hears of a state that could not be stored.
func (a *activation) notStored(t turn, err error) error {
	a.logger(t.requestID).Warn("storing the state failed", slog.String("action", t.action), slog.Any("error", err))
	switch {
	case errors.Is(err, bus.ErrOutcomeUnknown):
		return errorf(troupe.CodeOutcomeUnknown, "whether %s.%s was stored is not known", a.id, t.action)
	case errors.Is(err, bus.ErrConflict):
		return unavailable("%s has another owner by now", a.id)
	default:
		return unavailable("%v", err)
	}
}

// rollBack undoes what a failed turn has changed in the exported fields, and the subscriptions that it has made.
func (a *activation) rollBack(c *Context) {
	for _, l := range c.started {
		_ = l.Unsubscribe() // never fails
	}
	err := protect(func() error {
		if a.stored == nil {
			a.state.reset()
			return nil
		}
		if state, err := a.state.encode(a.spare[:0]); err == nil && codec.Equal(state, a.stored) {
			return nil
		}
		return a.state.restore(a.stored)
	})
	if err != nil {
		a.finished = true
		a.logger("").Error("undoing a failed action failed: the actor is loaded again", slog.Any("error", err))
	}
}

// crossing is what the caller hears of an error that the actor's own code has returned. A *troupe.Error crosses whole;
// it is not retryable, whatever it was where it came from: this action had started.
func (a *activation) crossing(t turn, err error) error {
	var known *troupe.Error
	switch {
	case errors.As(err, &known) && troupe.CheckName("error code", string(known.Code)) == nil:
		crossing := *known
		crossing.Retryable, crossing.Err = false, nil
		return &crossing
	case errors.Is(err, context.DeadlineExceeded) && !t.deadline.After(time.Now()):
		return errorf(troupe.CodeDeadlineExceeded, "%s.%s: the time of the call ran out", a.id, t.action)
	default:
		return a.internal(t, err)
	}
}

// internal logs an error in full and returns what the caller hears of it.
func (a *activation) internal(t turn, err error) error {
	a.logger(t.requestID).Error("an action failed", slog.String("action", t.action), slog.Any("error", err))
	return errorf(troupe.CodeInternal, "%s.%s failed; the log of host %s tells why", a.id, t.action, a.session.id)
}

func asError(err error) *troupe.Error {
	if known, ok := errors.AsType[*troupe.Error](err); ok {
		return known
	}
	return &troupe.Error{Code: troupe.CodeInternal, Message: err.Error()}
}

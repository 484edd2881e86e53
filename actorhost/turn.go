package actorhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// turn is what a turn is for.
type turn struct {
	action     string
	header     nats.Header // of the call
	id         dedup.ID
	deadline   time.Duration    // by the clock of the host; 0: only the type's own bound
	delivery   *troupe.Delivery // the event that it handles, if any
	connection *Connection      // by which it was called, or that it is about
}

func turnOf(w *work) turn {
	return turn{action: w.action, header: w.header, id: w.id, deadline: w.deadline}
}

func (w *work) input() input { return input{body: w.data, as: w.as} }

// serve does one call.
func (a *activation) serve(w *work) {
	began := a.host.clock.Now()
	if w.deadline <= began {
		a.host.out.refuse(w, &troupe.Error{Code: troupe.CodeDeadlineExceeded, Retryable: true,
			Message: "the time of the call ran out before it was its turn"})
		return
	}
	if w.action == troupe.SleepAction {
		a.sleep(w)
		return
	}
	fresh := false
	for gone := ""; !a.awake; {
		var owner string
		var err error
		if fresh, owner, err = a.wake(w, gone); err != nil {
			a.host.out.refuse(w, errs.As(err))
			return
		}
		if owner != "" && !a.moved(w, owner) {
			return
		}
		gone = owner
	}
	switch w.action {
	case wire.NoticeAction:
		a.notice(w)
		return
	case wire.ConnectAction:
		a.connect(w)
		return
	case wire.DisconnectAction:
		a.disconnect(w)
		return
	}
	answer, failed, v := a.gate.find(w)
	switch {
	case v == dedup.Over:
	case failed != nil:
		a.pass(w, nil, failed)
	case v == dedup.Answered:
		a.pass(w, answer, nil)
	case w.action != troupe.CreateAction:
		a.run(w, began)
	case fresh: // it was created as the actor woke
		w.served.count(a.host.clock.Now()-began, nil)
		w.ran = true
		a.pass(w, nil, nil)
	default:
		err := alreadyExists(a.id)
		w.refused(err)
		a.pass(w, nil, err)
	}
}

// sleep puts the actor to sleep for a call of troupe.SleepAction.
func (a *activation) sleep(w *work) {
	if !a.awake {
		a.host.out.refuse(w, errs.New(troupe.CodeNotFound, "%s is not awake", a.id))
		return
	}
	began := a.host.clock.Now()
	a.hangUpAll()
	a.runHook("sleep", a.kind.hooks.sleep)
	a.finished = true
	w.served.count(a.host.clock.Now()-began, nil)
	w.ran = true
	a.pass(w, nil, nil)
}

// run runs the action of a call.
func (a *activation) run(w *work, now time.Duration) {
	if faults.Fencing && !a.session.ValidAt(now) { // not even what changes nothing: the state may not be the newest
		a.host.out.refuse(w, errs.Unavailable("%v", errNoLease))
		return
	}
	t := turnOf(w)
	var err error
	if t.connection, err = a.connectionOf(w); err != nil {
		a.host.out.refuse(w, errs.As(err))
		return
	}
	buffer := scratch.Get().(*[]byte) // NATS has copied what is in it when a publish returns
	defer giveBack(buffer)
	result, err := a.turnAt(now, t, func(c *Context) error {
		output, err := w.served.run(a.state.pointer(), c, w.input(), (*buffer)[:0])
		if err != nil {
			return err
		}
		*buffer = output
		return a.host.out.fits(w, output)
	})
	w.served.count(result.took, err)
	w.ran = true
	if err != nil {
		a.pass(w, nil, err)
	} else {
		a.finish(&result, &output{work: *w, reply: reply(w, *buffer)})
	}
}

// pass answers a call that has changed nothing.
func (a *activation) pass(w *work, out []byte, err error) {
	answer := &output{work: *w}
	if err != nil {
		answer.reply = a.host.out.errorReply(w, w.as, errs.As(err))
	} else {
		answer.reply = reply(w, out)
	}
	a.gate.pass(answer, &turned{})
}

// finish stores what a turn has changed, and sends what it wants to send after that.
func (a *activation) finish(result *turned, o *output) {
	result.events = append(result.events, a.cutOff(result.cut)...)
	if !result.destroyed {
		a.gate.pass(o, result)
		return
	}
	a.finished, a.destroyed = true, true
	a.gate.destroy(o, result)
}

// moved sends a call, and those that wait behind it, to the host that owns the actor. It reports whether that host has
// released the actor instead.
func (a *activation) moved(w *work, owner string) (released bool) {
	how := a.host.forward(w, owner, a.id)
	if how == wasReleased {
		return true
	}
	a.mu.Lock()
	left := a.mailbox.Drain(a.host.mailboxes)
	a.mu.Unlock()
	for _, w := range left {
		if how == wasTaken {
			if how = a.host.forward(&w, owner, a.id); how != wasReleased {
				continue
			}
		}
		a.host.out.refuse(&w, errs.Unavailable("%s changes hosts", a.id))
	}
	return false
}

// runHook runs a hook that nobody waits for.
func (a *activation) runHook(name string, f hook) {
	if f == nil || !a.awake {
		return
	}
	a.runTurn(turn{action: name}, func(c *Context) error { return f(a.state.pointer(), c) })
}

// turned is what a turn has come to.
type turned struct {
	events    []*event
	state     []byte          // nil when the turn has left it as it was
	changes   []record.Change // of what the record has besides
	cut       []cut           // connections that the actor ends
	destroyed bool
	took      time.Duration
}

// stores reports whether there is something to store.
func (t *turned) stores() bool { return t.state != nil || len(t.changes) > 0 }

// turn runs f as one turn. When f fails, or leaves behind what cannot be stored, the state is as it was before. The
// error is a *troupe.Error.
func (a *activation) turn(t turn, f func(*Context) error) (turned, error) {
	return a.turnAt(a.host.clock.Now(), t, f)
}

// turnAt is turn for who has just looked at the time.
func (a *activation) turnAt(began time.Duration, t turn, f func(*Context) error) (turned, error) {
	if most := began + a.kind.config.ActionTimeout; t.deadline == 0 || t.deadline > most {
		t.deadline = most
	}
	if err := a.refresh(); err != nil {
		return turned{}, a.internal(t, fmt.Errorf("encoding the state: %w", err))
	}
	c := &Context{a: a, turn: t}
	err := c.run(f)
	result, ended := c.end(), a.host.clock.Now()
	result.took = ended - began
	if err != nil {
		err = a.crossing(t, err)
	} else if !result.destroyed {
		result.state, err = a.changed(t, &result, ended)
	}
	if err != nil {
		a.rollBack(c)
		return turned{took: result.took}, err
	}
	return result, nil
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

// changed returns what is to be stored for the state that a turn has left behind, nil when it is the one before the
// turn.
func (a *activation) changed(t turn, result *turned, ended time.Duration) ([]byte, error) {
	if faults.Fencing && !a.session.ValidAt(ended) {
		return nil, errs.Unavailable("%v", errNoLease)
	}
	buffer := scratch.Get().(*[]byte)
	defer giveBack(buffer)
	state, err := a.encode((*buffer)[:0])
	if err != nil {
		return nil, a.internal(t, fmt.Errorf("encoding the state: %w", err))
	}
	*buffer = state
	if a.created && codec.Equal(state, a.current) {
		if result.stores() {
			return nil, a.fits(len(a.unchanged()), result.changes)
		}
		return nil, nil
	}
	state = bytes.Clone(state)
	whole, more, err := a.whole(state)
	if err != nil {
		return nil, a.internal(t, err)
	}
	if err := a.fits(len(whole), result.changes); err != nil {
		return nil, err
	}
	a.created = true
	a.current, a.stored = state, more
	return whole, nil
}

// fits checks whether a record has room for a state of this size and for what a turn wants to have in it besides.
func (a *activation) fits(state int, changes []record.Change) error {
	size := int64(state) + a.gate.besides(changes)
	if !a.host.records.Fits(size) {
		if err := a.gate.settle(); err != nil { // then the events of earlier turns need no more room
			return errs.Unavailable("%v", err)
		}
		size = int64(state) + a.gate.besides(changes)
	}
	if !a.host.records.Fits(size) {
		return errs.New(troupe.CodeTooLarge,
			"the state of %s, with its events and subscriptions, would have %d bytes, at most %d can be stored",
			a.id, size, a.host.records.MaxState())
	}
	return nil
}

// whole is the encoding of a state with the fields that this program does not know, and the same again if there are any.
func (a *activation) whole(state []byte) (whole, more []byte, err error) {
	if a.stored == nil {
		return state, nil, nil
	}
	if more, err = codec.Merge(a.stored, a.current, state); err != nil {
		return nil, nil, fmt.Errorf("keeping the fields that are not known here: %w", err)
	}
	if codec.Equal(more, state) {
		return state, nil, nil
	}
	return more, more, nil
}

// scratch has buffers for encodings that are only looked at, mostly to find that nothing has changed, or sent at once.
var scratch = sync.Pool{New: func() any { buffer := make([]byte, 0, 1<<10); return &buffer }}

// keepScratch is how many bytes a buffer may have that is kept.
const keepScratch = 256 << 10

func giveBack(buffer *[]byte) {
	if cap(*buffer) <= keepScratch {
		scratch.Put(buffer)
	}
}

// encode appends the encoding of the state to a buffer, which may run the actor's own code.
func (a *activation) encode(buffer []byte) (state []byte, err error) {
	defer recovered(&err)
	return a.state.encode(buffer)
}

// rollBack undoes what a failed turn has changed in the exported fields, and the subscriptions that it has made.
func (a *activation) rollBack(c *Context) {
	if c.effects != nil {
		for _, l := range c.effects.started {
			_ = l.Unsubscribe() // never fails
		}
	}
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
	case errors.Is(err, context.DeadlineExceeded) && t.deadline <= a.host.clock.Now():
		return errs.New(troupe.CodeDeadlineExceeded, "%s.%s: the time of the call ran out", a.id, t.action)
	default:
		return a.internal(t, err)
	}
}

// internal logs an error in full and returns what the caller hears of it.
func (a *activation) internal(t turn, err error) error {
	a.logger(t.id.String()).Error("an action failed", slog.String("action", t.action), slog.Any("error", err))
	return errs.New(troupe.CodeInternal, "%s.%s failed; the log of host %s tells why", a.id, t.action, a.session.ID)
}

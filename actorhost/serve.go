package actorhost

import (
	"context"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

func (w *work) input() input { return input{body: w.Data, as: w.As} }

// serveCall runs one call.
func (a *activation) serveCall(w *work) {
	began := a.host.clock.Now()
	if w.Deadline <= began {
		a.host.refuse(&w.Call, a.session, errTooLate)
		return
	}
	if w.Action == troupe.SleepAction {
		a.serveSleep(w)
		return
	}
	a.endBorrowing(began)
	if a.misread = false; a.passesNotice(w) || a.passesQueued(w) {
		return
	}
	fresh, woken := a.wakeFor(w)
	if !woken {
		return
	}
	switch w.Action {
	case wire.NoticeAction:
		a.serveNotice(w)
		return
	case wire.DueAction:
		a.serveDue(w)
		return
	case troupe.ResultAction:
		a.serveResult(w)
		return
	case wire.QueuedAction:
		a.serveQueued(w)
		return
	case wire.ConnectAction:
		if err := a.cannotWrite(turn{}); err != nil {
			a.host.refuse(&w.Call, a.session, errs.As(err))
			return
		}
		a.serveConnect(w)
		return
	case wire.DisconnectAction:
		a.serveDisconnect(w)
		return
	}
	switch answer, failed, v := a.found(w); {
	case v == dedup.Over:
	case failed != nil:
		a.answer(w, nil, failed)
	case v == dedup.Answered:
		a.host.repeated.Add(1)
		output, err := w.arg.(*endpoint).output(answer, w.As)
		a.answer(w, output, err)
	case w.Action != troupe.CreateAction:
		a.runAction(w, began)
	case fresh: // the actor was created as it woke
		a.countServed(w, began)
		a.answer(w, nil, nil)
	default:
		err := alreadyExists(a.id)
		w.CountRefused(err)
		a.answer(w, nil, err)
	}
}

// wakeFor wakes the actor for a call, unless it is awake. If it is not after that, the call is answered, or is on its way
// to another host.
func (a *activation) wakeFor(w *work) (fresh, woken bool) {
	a.blank = false
	for gone := w.leftBy; !a.awake && !a.blank; {
		var owner string
		var err error
		if fresh, owner, err = a.wake(w, gone); err != nil {
			a.fail(w, errs.As(err))
			return false, false
		}
		if a.destroyed || owner != "" && !a.forwardAll(w, owner) {
			return false, false
		}
		gone = released{owner, a.ownerEpoch}
	}
	return fresh, true
}

// fail refuses a call that has changed nothing. If this program cannot take its input, another may.
func (a *activation) fail(w *work, err *troupe.Error) {
	if a.misread {
		a.failMisread(w, err)
		return
	}
	a.host.refuse(&w.Call, a.session, err)
}

// failMisread passes a call on whose input this program cannot take.
func (a *activation) failMisread(w *work, err *troupe.Error) {
	passed := *w // a copy, so that not every call escapes to the heap
	l := lacksInput(w.Action, fingerprint(w.arg.(*endpoint).takes), err)
	if w.Action == troupe.ScheduleAction {
		l = a.kind.lacksSchedule(w.input(), err)
	}
	a.host.passOn(&passed, a.id.Tokens(), l)
}

// found looks for what the call was answered with when it came before. An error may also say why the call cannot start.
func (a *activation) found(w *work) (dedup.Answer, *troupe.Error, dedup.Verdict) {
	a.decoded = nil
	if w.ID.Given != "" && w.Mark == nil {
		in := w.input()
		w.Mark = w.arg.(*endpoint).mark(w.ID, w.Action, &in)
		a.decoded = in.value
	}
	answer, failed, v := a.gate.Find(&w.Call)
	if v == dedup.Unsure || v == dedup.New && a.gate.Full(&w.Call) {
		ctx, cancel := context.WithDeadline(a.host.ctx, a.host.clock.Time(w.Deadline))
		defer cancel()
		if v == dedup.Unsure {
			answer, failed, v = a.gate.Ask(ctx, &w.Call)
		}
		if v == dedup.New {
			failed = a.gate.MakeRoom(ctx, &w.Call)
		}
	}
	return answer, failed, v
}

// serveSleep runs a call of troupe.SleepAction: it puts the actor to sleep.
func (a *activation) serveSleep(w *work) {
	if !a.awake {
		a.host.refuse(&w.Call, a.session, errs.New(troupe.CodeNotFound, "%s is not awake", a.id))
		return
	}
	began := a.host.clock.Now()
	a.disconnectAll()
	a.runHook("sleep", a.kind.hooks.sleep)
	a.finished, a.rests = true, true
	a.endSnapshotReads()
	a.countServed(w, began)
	a.answer(w, nil, nil)
}

// runAction runs the action of a call.
func (a *activation) runAction(w *work, now time.Duration) {
	t := turnOf(w)
	if faults.Fencing && !a.session.ValidAt(now) { // not even read-only actions: the state may be outdated
		if err := a.confirm(w); err != nil {
			a.host.refuse(&w.Call, a.session, err)
			return
		}
		t.confirmed = true
	}
	var err error
	if t.connection, err = a.callConnection(w); err != nil {
		a.host.refuse(&w.Call, a.session, errs.As(err))
		return
	}
	run := actionRuns.Get().(*actionRun)
	defer run.end()
	run.endpoint, run.action, run.in, run.answered, run.out = w.arg.(*endpoint), w.Action, w.input(), w.Reply != "", a.host.out
	run.in.value, a.decoded = a.decoded, nil
	var result result
	t.beside = run.endpoint.beside
	if t.readOnly = run.endpoint.readOnly; t.readOnly {
		result, err = a.runRead(now, t, w, run.do)
	} else {
		result, err = a.runTurnAt(now, t, run.do)
	}
	if err != nil && result.misread {
		a.failMisread(w, errs.As(err))
		return
	}
	w.Ran = true
	switch o := (&commit.Output{Call: w.Call, Reply: outlet.Reply(&w.Call, run.output)}); {
	case err != nil:
		a.answerFailed(w, &result, err)
	case run.endpoint.items != nil:
		a.serveStream(w, &result)
	case t.readOnly:
		o.Called, o.Ended = result.called, result.ended
		a.gate.Pass(o, &commit.Changes{})
	default:
		a.commitTurn(&result, o)
	}
}

// countServed counts a call that is no turn of its own.
func (a *activation) countServed(w *work, began time.Duration) {
	w.Counters.Count(&figures.Turn{Actor: w.Actor, ID: w.ID, Arrived: true, Wait: began - w.Arrived, Run: a.host.clock.Now() - began})
	w.Ran = true
}

// forwardAll forwards a call, and those that wait behind it, to the host that owns the actor. It reports whether that
// host has released the actor instead.
func (a *activation) forwardAll(w *work, owner string) (free bool) {
	how := a.host.forward(&w.Call, owner, a.id, released{})
	if how == ownerReleased {
		return true
	}
	a.mu.Lock()
	left := a.drain()
	a.mu.Unlock()
	for _, w := range left {
		if w.kind != callWork {
			continue // an event for an earlier activation, whose subscription has ended
		}
		if how == forwardDone {
			if how = a.host.forward(&w.Call, owner, a.id, released{}); how != ownerReleased {
				continue
			}
		}
		a.host.refuse(&w.Call, a.session, errs.Unavailable("%s changes hosts", a.id))
	}
	return false
}

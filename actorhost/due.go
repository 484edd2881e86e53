package actorhost

import (
	"errors"
	"log/slog"
	"math/bits"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// After so many runs, or this time, what is due lets other calls of the actor run.
const maxDueRuns, maxDueTime = 256, 100 * time.Millisecond

// dueAgain is the pause before what is due is tried again on a host that cannot run it now.
const dueAgain = time.Second

// passDueTimeout bounds the search for a host that has the action which is due.
const passDueTimeout = 10 * time.Second

// running is what may fail for long.
const running = "what an actor has scheduled cannot run on this host"

// serveDue runs a call of wire.DueAction: the alarm has rung. As always, the answer waits until what has run is stored, and here
// until the next alarm stands.
func (a *activation) serveDue(w *work) {
	var rang wire.Rang
	if err := w.As.Unmarshal(w.Data, &rang); err != nil {
		a.answer(w, nil, errs.New(troupe.CodeBadInput, "%s.%s: %v", a.id, w.Action, err))
		return
	}
	switch err := a.runDue(w, rang.Again); {
	case errors.Is(err, errPassedOn):
		return
	case err != nil:
		a.answer(w, nil, err)
		return
	}
	if a.destroyed {
		a.host.out.Answer(w.Reply, nil)
		return
	}
	w.ID = dedup.ID{} // it needs not be remembered
	parts := a.gate.Rang(record.Alarm{At: rang.At, Sequence: rang.Sequence})
	a.gate.Pass(&commit.Output{Call: w.Call, Reply: outlet.Reply(&w.Call, nil)}, &commit.Changes{Parts: parts})
}

// errPassedOn says that what is due was left to a host of another program.
var errPassedOn = errors.New("another program has the action")

// workDue runs what is due because the agenda says so, or the alarm is lost.
func (a *activation) workDue(w *work) {
	if !a.awake { // it has failed to wake, and ends
		return
	}
	switch err := a.runDue(nil, false); {
	case err == nil:
		a.host.faults.Works(running)
	case !errors.Is(err, errPassedOn):
		a.failed(running, err)
	}
	if w.arg != nil {
		a.setAlarmAgain()
	}
}

// runDue runs what is due, and sees to what will be. It fails if that cannot run now. Without a call it is the agenda that has it
// run. Again says that a host may have died that ran it before.
func (a *activation) runDue(w *work, again bool) error {
	a.inDue = true
	defer func() { a.inDue = false }()
	began := a.host.clock.Now()
	for runs := 0; !a.finished; runs++ {
		now := a.host.alarms.Now()
		one, volatile, ok := a.nextDue(now)
		if !ok {
			break
		}
		if runs == maxDueRuns || a.host.clock.Now()-began > maxDueTime {
			break // the agenda calls at once
		}
		if one.Name == record.WorkflowTime {
			one.Action = a.workflowName()
		}
		late := a.taken && now.Sub(time.UnixMilli(one.At())) > a.host.clock.Now()-a.began // it was due before this life began
		d := dueRun{searched: w != nil && w.searched, again: again || w != nil && w.Again || w == nil && late}
		err := a.runOne(one, volatile, now, d)
		if err != nil && a.misread {
			a.passDue(w, &one, errs.As(err))
			err = errPassedOn
		}
		if err != nil {
			a.host.agenda.Set(a, now.Add(dueAgain))
			return err
		}
	}
	a.inDue = false
	a.plan()
	return nil
}

// passDue passes a call to run what is due on, because this program has not the action, or cannot take the input. If no other can
// either, the call comes back, and the action fails.
func (a *activation) passDue(w *work, one *record.Scheduled, refusal *troupe.Error) {
	if w == nil {
		w = &work{kind: callWork, arg: a.kind.actions[wire.DueAction]}
		w.Action, w.As, w.Existing = wire.DueAction, codec.MsgPack, true
		w.Counters, w.Deadline = &a.kind.actions[wire.DueAction].Counters, a.host.clock.Now()+passDueTimeout
		w.Data, _ = codec.MsgPack.Append(nil, wire.Rang{At: one.At()})
	}
	passed := *w // a copy, so that not every call escapes to the heap
	l := a.kind.lacksDue(one.Action, refusal)
	l.searched = true
	a.host.passOn(&passed, a.id.Tokens(), l)
}

// nextDue returns what is due first, if anything is.
func (a *activation) nextDue(now time.Time) (one record.Scheduled, volatile, ok bool) {
	milli := now.UnixMilli()
	due := func(s *record.Schedules) {
		if first := s.First(); first != 0 && first <= milli && (!ok || first < one.At()) {
			for found := range s.All() {
				one, ok = *found, true
				return
			}
		}
	}
	a.gate.Read(func(p *record.Parts) { due(p.Schedules()) })
	before := one
	if due(a.volatile.Schedules()); ok && one.Name != before.Name {
		volatile = true
	}
	return one, volatile, ok
}

// dueRun is what is known of a run besides.
type dueRun struct {
	searched bool // another program that has what it needs was searched for
	again    bool // it may have been under way on a host that is gone
}

// runOne runs a schedule in a turn. An error says that it cannot run now, for a reason of the host, or that another program may have
// what it needs, unless that was searched for.
func (a *activation) runOne(one record.Scheduled, volatile bool, now time.Time, d dueRun) error {
	a.misread = false
	if faults.Fencing && !a.session.Valid() {
		return errs.Unavailable("%v", a.session.Err())
	}
	if !volatile {
		if err := a.cannotWrite(turn{}); err != nil {
			return err
		}
	}
	switch one.Name {
	case record.LoopPause:
		if a.kind.loop == nil && !d.searched {
			a.misread = true
			return errs.New(troupe.CodeUnknownAction, "the actor type %q has no run loop", a.kind.name)
		}
		a.endPause(&one)
		return nil
	case record.WorkflowTime:
		if one.Action != "" && a.kind.workflows[one.Action] == nil && !d.searched {
			a.misread = true
			return errs.New(troupe.CodeUnknownAction, "the actor type %q has no workflow %.100q", a.kind.name, one.Action)
		}
		return a.flowIsDue(now)
	}
	f, err := firingOf(one, now)
	if err != nil { // by no program of today
		a.commitDue(volatile, record.Park{Scheduled: one}, record.RemoveSchedule{Name: one.Name, Ran: true})
		a.parked(&f, 1, err)
		return nil
	}
	if f.skip {
		a.commitDue(volatile, f.done())
		return nil
	}
	return a.fire(&f, volatile, d)
}

// fire is runOne for what is not skipped.
func (a *activation) fire(f *firing, volatile bool, d dueRun) error {
	what := f.what()
	begun, err := a.begin(what, d.again && !volatile, queues.DefaultRetries.Hosts)
	tooOften := (*endsHostsError)(nil)
	switch {
	case errors.As(err, &tooOften):
		a.failedRun(f, err, record.EndRun{What: what})
		return nil
	case err != nil:
		return err
	}
	defer begun.over()
	result, err := a.runFiring(f, volatile)
	a.misread = a.misread && !d.searched
	if err == nil {
		result.Parts = append(result.Parts, begun.ended()...)
		a.commitTurn(&result, &commit.Output{})
		return nil
	}
	begun.failed()
	switch failed := errs.Find(err); {
	case a.misread:
		return err
	case volatile:
		a.commitDue(true, f.done())
		a.logger("").Warn("a volatile schedule failed", a.scheduleFields(f, err)...)
	case failed != nil && failed.Retryable: // the action is not to blame
		return err
	default:
		a.failedRun(f, err)
	}
	return nil
}

// runFiring runs the action of a schedule.
func (a *activation) runFiring(f *firing, volatile bool) (result, error) {
	endpoint := a.kind.actions[f.Action]
	if endpoint == nil || endpoint.run == nil {
		a.misread = true
		return result{}, errs.New(troupe.CodeUnknownAction, "the actor type %q has no action %.100q, it has %s",
			a.kind.name, f.Action, a.kind.own)
	}
	why := troupe.Firing{Name: f.Name, Due: time.UnixMilli(f.Due).UTC(), Attempt: f.Attempts + 1, Missed: f.Missed}
	id := dedup.ID{Given: f.id()}
	t := turn{kind: wire.TurnSchedule, action: f.Action, counters: &endpoint.Counters, firing: &why, id: id,
		readOnly: endpoint.readOnly, beside: endpoint.beside}
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	ran, err := a.runTurn(t, func(c *Context) error {
		c.beginFiring(f, volatile)
		output, err := endpoint.run(a.state.pointer(), c, input{body: f.Input, as: codec.MsgPack}, (*buffer)[:0])
		if err == nil {
			*buffer = output
		}
		return err
	})
	return ran, err
}

// beginFiring makes it a part of the turn that the run is over.
func (c *Context) beginFiring(f *firing, volatile bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replace(f.Name, pendingSchedule{one: f.next, volatile: volatile}, f.done())
}

// loopWatch is how often a pause that is over is looked at, until the loop has come to the next one. By then, the actor is awake,
// or woken for that.
const loopWatch = 5 * time.Minute

// endPause ends the pause of the loop, which is due. The record has it until the loop pauses again.
func (a *activation) endPause(one *record.Scheduled) {
	if a.kind.loop == nil || a.loop != nil && a.loop.ended.Load() {
		a.commitDue(false, record.RemoveSchedule{Name: record.LoopPause, Ran: true})
		return
	}
	again := *one
	again.Try = ceilMilli(a.host.alarms.Now().Add(loopWatch))
	a.commitDue(false, record.PutSchedule{Scheduled: again})
	if a.pause != nil {
		close(a.pause)
		a.pause = nil
	}
}

// commitDue changes what is scheduled without a turn.
func (a *activation) commitDue(volatile bool, changes ...record.Change) {
	if !volatile {
		a.gate.Pass(&commit.Output{}, &commit.Changes{Parts: changes})
		return
	}
	a.changeVolatile(changes...)
}

// failedRun has a run tried again, or gives it up, and makes other changes with that.
func (a *activation) failedRun(f *firing, err error, with ...record.Change) {
	reason, tooOften := err.Error(), (*endsHostsError)(nil)
	atOnce := errors.As(err, &tooOften)
	if known := errs.Find(err); known != nil {
		reason = string(known.Code) + ": " + known.Message
	}
	now, stored := a.host.alarms.Now(), len(a.storedState())
	changes, given := f.failed(shortened(reason, maxReason), now, atOnce)
	if a.checkSize(stored, stored, changes) != nil { // the record has no room for that
		changes, given = f.failed("", now, atOnce)
	}
	times := 1 // that a run of the schedule was given up
	a.gate.Read(func(p *record.Parts) {
		if before := p.Schedules().FindParked(f.Name); before != nil {
			times += before.Count
		}
	})
	a.commitDue(false, append(changes, with...)...)
	switch {
	case given:
		a.parked(f, times, err)
	case f.Attempts == 0 && !errors.Is(err, troupe.ErrInternal): // which is logged
		a.logger("").Warn("a scheduled action failed and is tried again", a.scheduleFields(f, err)...)
	}
}

// parked tells that a run was given up. Of a schedule that recurs it may be each, so the 1st is logged, the 2nd, the 4th, and so on.
func (a *activation) parked(f *firing, times int, err error) {
	a.host.givenUp.Add(1)
	if bits.OnesCount(uint(times)) == 1 {
		a.logger("").Error("a scheduled action was given up: troupe schedule retry runs it again",
			append(a.scheduleFields(f, err), slog.Int("times", times))...)
	}
}

func (a *activation) scheduleFields(f *firing, err error) []any {
	return []any{
		slog.String("schedule", f.Name), slog.String("action", f.Action), slog.Time("due", time.UnixMilli(f.Due).UTC()),
		slog.Int("attempts", f.Attempts+1), slog.Any("error", err),
	}
}

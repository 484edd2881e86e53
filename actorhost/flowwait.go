package actorhost

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/crash"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// await gives what a wait has given, or waits. With 0 a wait for a signal lasts as long as it takes.
func (f *flowRun) await(name, kind, signal string, most time.Duration) ([]byte, error) {
	key, done, err := f.begin(name)
	switch {
	case err != nil:
		return nil, err
	case done != nil:
		return given(done)
	}
	if err := f.a.host.alarms.Open(f.ctx); err != nil {
		return nil, f.stored(errs.Unavailable("%v", err))
	}
	now := f.now()
	wait := record.WorkflowWait{Key: key, Kind: kind, Since: now, Signal: signal}
	if kind == record.WaitSleep || most != 0 {
		wait.Due = now + max(most.Milliseconds(), 0)
	}
	f.keepSteps() // waits that others have ended are among them
	step, err := f.settle(wait, now)
	if err != nil {
		return nil, f.stored(err)
	}
	if step == nil {
		return nil, f.stop()
	}
	f.passed(*step)
	return given(step)
}

// settle ends a wait if it is over already, and remembers it if not. Signals come in turns too, so none is missed.
func (f *flowRun) settle(wait record.WorkflowWait, now int64) (step *record.WorkflowStep, err error) {
	err = f.inside(func(a *activation, done func(error)) {
		var over *record.WorkflowStep
		there := false
		a.gate.Read(func(p *record.Parts) {
			w := p.Workflow()
			if w == nil || w.Run != f.head.Run {
				return
			}
			for _, one := range w.StepsFrom(f.known) {
				if one.Key == wait.Key { // since this pass has looked
					step, there = &one, true
				}
			}
			if there = there || w.Waiting(wait.Key) != nil; there {
				return
			}
			over = endOf(w, &wait, now)
		})
		switch {
		case there:
			done(nil)
		case over != nil:
			end := func(w *record.Workflow) {
				takeSignal(w, &wait)
				w.Done(*over)
			}
			step = over
			a.changeRecord(done, f.editing(over.Size(), end))
		default:
			a.changeRecord(done, f.editing(waitSize(&wait), func(w *record.Workflow) { w.Wait(wait) }))
		}
	})
	return step, err
}

// endOf is the step that ends a wait, or nil.
func endOf(w *record.Workflow, wait *record.WorkflowWait, now int64) *record.WorkflowStep {
	step := &record.WorkflowStep{Key: wait.Key, Kind: wait.Kind, Began: wait.Since, Ended: now}
	if wait.Kind == record.WaitSignal {
		if i := findSignal(w, wait); i >= 0 {
			step.Result = w.Signals[i].Value
			return step
		}
	}
	if wait.Due == 0 || wait.Due > now {
		return nil
	}
	if wait.Kind == record.WaitSignal {
		step.Error = &record.WorkflowError{Code: troupe.CodeTimedOut, Message: "the signal " + wait.Signal + " has not come in time"}
	}
	return step
}

func findSignal(w *record.Workflow, wait *record.WorkflowWait) int {
	return slices.IndexFunc(w.Signals, func(s record.WorkflowSignal) bool { return s.Name == wait.Signal })
}

// takeSignal removes the signal that has ended a wait.
func takeSignal(w *record.Workflow, wait *record.WorkflowWait) {
	if wait.Kind != record.WaitSignal {
		return
	}
	if i := findSignal(w, wait); i >= 0 {
		w.Signals = slices.Delete(slices.Clone(w.Signals), i, i+1)
	}
}

// update is a step that is a turn.
func (f *flowRun) update(name string, do func(*Context) error) error {
	key, done, err := f.begin(name)
	switch {
	case err != nil:
		return err
	case done != nil:
		_, err = given(done)
		return err
	}
	if f.a.host.crash.At(crash.Before, key) {
		return f.stop()
	}
	now := f.now()
	step := record.WorkflowStep{Key: key, Kind: record.StepUpdate, Began: now, Ended: now}
	remember := f.editing(step.Size(), func(w *record.Workflow) { w.Done(step) })
	var failed error // of the turn itself
	err = f.inside(func(a *activation, done func(error)) {
		id := dedup.ID{Given: f.head.Run + "/" + key} // its calls have the same ids each time
		result, err := a.runTurn(turn{action: f.head.Name, id: id}, do)
		if err != nil {
			failed = err
			done(nil)
			return
		}
		result.Parts = append(result.Parts, remember)
		a.commitTurn(&result, &commit.Output{Done: done})
	})
	switch known := errs.Find(failed); {
	case err != nil:
		return f.stored(err)
	case known != nil && known.Retryable: // the host is to blame
		return f.stored(failed)
	case failed != nil:
		step.Error = keptError(failed)
		if err := f.done(step); err != nil {
			return err
		}
		_, err = given(&step)
		return err
	}
	f.passed(step)
	return nil
}

// version is a step that notes which version of a part of the function the run takes.
func (f *flowRun) version(change string, newest int) (int, error) {
	waits := len(f.waits()) > 0
	f.mu.Lock()
	before := f.at == len(f.steps) && (waits || f.head.Failure != nil)
	before = before || f.at < len(f.steps) && f.steps[f.at].Key != keyOf(change, f.asked[change]+1)
	stopped := f.stopped
	f.mu.Unlock()
	if stopped == nil && before {
		return 0, nil // it was here before the version was
	}
	key, err := f.next(change)
	if err != nil {
		return 0, err
	}
	one, err := f.recorded(key)
	if err != nil {
		return 0, err
	}
	if one != nil {
		var version int
		if err := f.decode(one.Result, &version); err != nil {
			return 0, err
		}
		if version > newest {
			return 0, f.stick("it has taken version %d of %s, this program has %d: a newer one must go on with it", version, change, newest)
		}
		return version, nil
	}
	data, _ := codec.MsgPack.Append(nil, newest)
	now := f.now()
	return newest, f.done(record.WorkflowStep{Key: key, Kind: record.StepVersion, Began: now, Ended: now, Result: data})
}

func stepFields(w *record.WorkflowWait) []any {
	return []any{"step", w.Key, "attempts", w.Attempts, "error", w.Error.Message}
}

package actorhost

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
)

// keepWorkflow is how long a workflow that is over is remembered.
const keepWorkflow = 7 * 24 * time.Hour

// A workflow that is stuck is tried again after times that double from firstUnstick to mostUnstick: perhaps by a program
// that fits it.
const firstUnstick, mostUnstick = 10 * time.Second, 10 * time.Minute

// flowAgain is the pause before a pass whose steps could not be stored is begun again.
const flowAgain = time.Second

// runFlow has the workflow of the actor go on, if it can. It is called by the goroutine of the turns.
func (a *activation) runFlow() {
	if a.borrowed != nil || a.destroyed || a.finished {
		return
	}
	if a.flow != nil { // it may be about to end, and looks again then
		a.flowAgain = true
		return
	}
	if a.host.stops.begun.Load() { // it goes on elsewhere
		return
	}
	a.flowAgain = false
	var head record.WorkflowHead
	var steps []record.WorkflowStep
	runs := false
	a.gate.Read(func(p *record.Parts) {
		if w := p.Workflow(); w != nil {
			head, steps, runs = w.WorkflowHead, w.Steps(), w.Runs()
		}
	})
	if !runs {
		return
	}
	known := len(steps)
	if before := a.flowSteps; before.run == head.Run && len(before.steps) >= head.Logged { // they need not be read again
		steps = slices.Concat(before.steps[:head.Logged], steps)
	}
	pass := func(b *beside, head record.WorkflowHead, _ []record.WorkflowStep, _ int) {
		(&flowRun{beside: b, head: head}).pass()
	}
	if wf := a.kind.workflows[head.Name]; wf != nil {
		pass = wf.pass
	}
	a.host.flows.Add(1)
	a.flow = a.runBeside(func(b *beside) {
		defer a.host.flows.Add(-1)
		pass(b, head, steps, known)
	})
}

// pass runs the function of the workflow from its beginning.
func (f *flowRun) pass() {
	if !f.mark() || f.inside(func(a *activation, done func(error)) { // until what it begins with is stored
		a.gate.Pass(&commit.Output{Done: done}, &commit.Changes{})
	}) != nil {
		return
	}
	if err := f.readSteps(); err != nil {
		_ = f.stick("%v", err)
	} else if f.run == nil {
		_ = f.stick("this program has no workflow %s: it goes on with one that has", f.head.Name)
	} else {
		f.logged = f.steps[:f.head.Logged:f.head.Logged]
		output, err := f.function()
		f.end(output, err)
	}
	f.over()
}

// function calls the function of the workflow.
func (f *flowRun) function() (output []byte, err error) {
	err = f.apart(func() (err error) { output, err = f.run(f, f.head.Input); return err })
	return output, err
}

// apart calls code of the user's, and makes an error of a panic, and of a goroutine that it ends.
func (f *flowRun) apart(do func() error) (err error) {
	over := make(chan struct{})
	f.a.host.goroutines.Go(func() {
		defer close(over)
		err = errGoexit
		err = protect(do)
	})
	<-over
	return err
}

// end does what is to be done after the function has returned.
func (f *flowRun) end(output []byte, err error) {
	var panicked *panicError
	var restart *restartError
	_ = errors.As(err, &restart)
	switch {
	case f.hasStopped():
	case errors.As(err, &panicked), errors.Is(err, errGoexit):
		_ = f.stick("its function has not returned: %v", err)
	case !f.hasPassedAll():
	case f.head.Failure != nil && (err == nil || restart != nil):
		_ = f.stick("it has not failed, as it had: the program does not fit the run")
	case restart != nil:
		f.restart(restart.input)
	case err == nil:
		_ = f.finish(output)
	default:
		f.undoAll(err)
	}
}

func (f *flowRun) hasStopped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped != nil || f.ctx.Err() != nil || f.last.Load()
}

// hasPassedAll reports whether the function has asked for all that is remembered. When undoing, what is yet to come is undone.
func (f *flowRun) hasPassedAll() bool {
	f.mu.Lock()
	undoing, rest := f.head.Failure != nil, f.steps[f.at:]
	f.mu.Unlock()
	if undoing {
		return true
	}
	if len(rest) > 0 {
		_ = f.stick("it has ended, where the step %s is remembered: the program does not fit the run", rest[0].Key)
		return false
	}
	for _, one := range f.waits() {
		_ = f.stick("it has ended, where the step %s waits: the program does not fit the run", one.Key)
		return false
	}
	return true
}

// finish remembers that the workflow is over. Why it has failed is remembered already.
func (f *flowRun) finish(output []byte) error {
	now := f.now()
	if err := f.a.host.alarms.Open(f.ctx); err != nil {
		return f.stored(errs.Unavailable("%v", err))
	}
	err := f.edit(int64(len(output)), func(w *record.Workflow) {
		w.Ended, w.Result, w.Forget = now, output, now+keepWorkflow.Milliseconds()
		w.Waits, w.Signals, w.Stuck, w.Cancel = nil, nil, nil, ""
	})
	if err == nil && f.kept > 0 {
		f.a.forgetSteps(f.head.Run)
	}
	return err
}

// restart begins anew with another input.
func (f *flowRun) restart(input []byte) {
	now := f.now()
	head := record.WorkflowHead{Name: f.head.Name, Run: nuid.Next(), Input: input, Began: now}
	if f.edit(int64(len(input)), func(w *record.Workflow) {
		head.Signals, head.Cancel = w.Signals, w.Cancel
		w.Begin(head)
	}) == nil {
		if f.kept > 0 {
			f.a.forgetSteps(f.head.Run)
		}
		f.mu.Lock()
		f.again = true
		f.mu.Unlock()
	}
}

// undoAll undoes what the workflow has done, because it has failed.
func (f *flowRun) undoAll(err error) {
	failure := f.head.Failure
	if failure == nil {
		if failure = keptError(err); failure.Code == troupe.CodeInternal && !failure.FromActor {
			f.a.logger("").Error("a workflow failed", "workflow", f.head.Name, "error", err)
			failure.Message = fmt.Sprintf("%s of %s failed; the log of host %s tells why", f.head.Name, f.a.id, f.a.session.ID)
		}
		if f.edit(int64(len(failure.Message)+maxErrorBytes), func(w *record.Workflow) { w.Failure = failure }) != nil {
			return
		}
	}
	f.mu.Lock()
	f.undoing = true
	f.mu.Unlock()
	err = f.apart(func() error {
		for _, one := range slices.Backward(f.undos) {
			if err := f.undo(one); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errGoexit):
		_ = f.stick("an undo has not returned: %v", err)
	case err == nil && f.hasPassedAll():
		_ = f.finish(nil)
	}
}

// undo is a step that is tried until it succeeds.
func (f *flowRun) undo(one undo) error {
	key, done, err := f.begin(one.name)
	if done != nil || err != nil {
		return err
	}
	options := stepOptions{first: firstRetry, most: mostRetry}
	_, waits, err := f.try(key, record.StepUndo, f.isFresh(), options, func(c *StepContext) ([]byte, error) {
		if err := one.do(c); err != nil {
			if isFinal(err) { // also what would end another step
				err = fmt.Errorf("%w", &troupe.Error{Code: troupe.CodeInternal, Message: err.Error()})
			}
			return nil, err
		}
		return nil, nil
	})
	if waits {
		return f.stop()
	}
	return err
}

// over is the end of a pass. The next begins if there is reason to.
func (f *flowRun) over() {
	f.mu.Lock()
	stuck, again := f.stuck, f.again
	f.mu.Unlock()
	if stuck != "" {
		again = f.keepStuck(stuck) != nil || again
	} else if f.head.Stuck != nil && f.ctx.Err() == nil {
		again = f.unstick() != nil || again
	}
	if again && !pause.For(f.ctx, flowAgain) {
		return
	}
	_ = f.inside(func(a *activation, done func(error)) {
		a.flow = nil
		a.flowSteps = knownSteps{f.head.Run, f.logged}
		if again || a.flowAgain {
			a.runFlow()
		}
		a.tellResult()
		if f.last.Load() {
			a.requestEnd(stopWork)
		}
		done(nil)
	})
}

// keepStuck remembers why the workflow cannot go on, and when it is tried again. Nothing else of it changes.
func (f *flowRun) keepStuck(reason string) error {
	if err := f.a.host.alarms.Open(f.ctx); err != nil {
		return err
	}
	now := f.now()
	stuck := record.WorkflowStuck{Reason: shortened(reason, maxErrorBytes), Since: now, Tries: 1}
	if before := f.head.Stuck; before != nil {
		stuck.Since, stuck.Tries = before.Since, before.Tries+1
	}
	if stuck.Tries == 1 {
		f.a.host.flowsStuck.Add(1)
	}
	stuck.Due = now + min(firstUnstick<<min(stuck.Tries-1, 16), mostUnstick).Milliseconds()
	if bits.OnesCount(uint(stuck.Tries)) == 1 {
		f.a.logger("").Error("a workflow is stuck: troupe workflow show tells where", "workflow", f.head.Name,
			"times", stuck.Tries, "error", reason)
	}
	return f.change(f.editing(int64(len(stuck.Reason)), func(w *record.Workflow) { w.Stuck = &stuck }))
}

// unstick forgets that the workflow was stuck.
func (f *flowRun) unstick() error {
	return f.change(f.editing(0, func(w *record.Workflow) { w.Stuck = nil }))
}

// flowIsDue has the workflow go on, because the time has come for which it has waited. That the actor comes back by itself from now
// on is marked before.
func (a *activation) flowIsDue(now time.Time) error {
	ctx, cancel := context.WithTimeout(a.host.ctx, markTimeout)
	defer cancel()
	if err := a.markUnsent(ctx); err != nil {
		return errs.Unavailable("%v", err)
	}
	milli := now.UnixMilli()
	a.changeRecord(func(error) {}, record.EditWorkflow{Bytes: maxErrorBytes, Edit: func(w *record.Workflow) { goOn(w, milli) }})
	a.runFlow()
	return nil
}

// workflowRuns reports whether the workflow can go on now.
func (a *activation) workflowRuns() (runs bool) {
	a.gate.Read(func(p *record.Parts) {
		if w := p.Workflow(); w != nil {
			runs = w.Runs()
		}
	})
	return runs
}

// workflowName is the name of the workflow that is under way, or empty.
func (a *activation) workflowName() (name string) {
	a.gate.Read(func(p *record.Parts) {
		if w := p.Workflow(); w != nil && w.Ended == 0 {
			name = w.Name
		}
	})
	return name
}

// goOn ends the waits whose time has come.
func goOn(w *record.Workflow, now int64) {
	switch {
	case w.Ended != 0:
		if w.Forget <= now {
			*w = record.Workflow{}
		}
		return
	case w.Stuck != nil:
		if stuck := *w.Stuck; stuck.Due <= now {
			stuck.Due = 0
			w.Stuck = &stuck
		}
		return
	}
	for _, wait := range slices.Clone(w.Waits) {
		switch {
		case wait.Due == 0 || wait.Due > now:
		case wait.Kind == record.WaitRetry:
			wait.Due, wait.Quiet = 0, now
			w.Wait(wait)
		default:
			if step := endOf(w, &wait, now); step != nil {
				takeSignal(w, &wait)
				w.Done(*step)
			}
		}
	}
}

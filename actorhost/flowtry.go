package actorhost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/crash"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// step gives what a step has given, or tries it.
func (f *flowRun) step(name string, o stepOptions, do stepFunc) ([]byte, error) {
	key, done, err := f.begin(name)
	switch {
	case err != nil:
		return nil, err
	case done != nil:
		return given(done)
	}
	data, waits, err := f.try(key, "", f.isFresh(), o, do)
	if waits {
		return nil, f.stop()
	}
	return data, err
}

// try tries a step once. It waits if it is to be tried again later. A fresh one was not begun by an earlier pass.
func (f *flowRun) try(key, kind string, fresh bool, o stepOptions, do stepFunc) (data []byte, waits bool, err error) {
	head := f.current()
	before := head.Waiting(key)
	if before != nil && before.Due != 0 {
		return nil, true, nil
	}
	begun, err := f.beginStep(key, fresh)
	if err != nil {
		return nil, false, err
	}
	defer begun.over()
	began := f.now()
	failed := record.WorkflowWait{Key: key, Kind: record.WaitRetry, Since: began}
	if before != nil {
		failed = *before
	}
	tried := f.lastSeen(&failed, fresh) // since when an attempt may have been under way that nobody knows of
	c := &StepContext{f: f, key: key, attempt: failed.Attempts + 1}
	if since := time.Duration(began-tried) * time.Millisecond; since > f.a.host.commits.Window {
		c.uncertain = since
	}
	faults.At(faults.BeforeStep)
	if f.a.host.crash.At(crash.Before, key) {
		return nil, false, f.stop()
	}
	data, err = f.attempt(c, do)
	faults.At(faults.AfterStep)
	if f.ctx.Err() != nil || errors.Is(err, ErrSuspended) && f.hasStopped() || f.a.host.crash.At(crash.After, key) {
		return nil, false, f.stop()
	}
	failed.Attempts++
	if err == nil || isFinal(err) || o.tries > 0 && failed.Attempts >= o.tries {
		step := record.WorkflowStep{Key: key, Kind: kind, Began: began, Ended: f.now(), Result: data}
		if err != nil {
			step.Error = keptError(err)
		}
		if failed.Attempts > 1 {
			step.Began, step.Attempts = failed.Since, failed.Attempts
		}
		if err := f.done(step, begun.ended()...); err != nil {
			return nil, false, err
		}
		data, err = given(&step)
		return data, false, err
	}
	if touched := c.touched.Load(); touched && failed.Touched == 0 {
		failed.Touched = min(tried, began)
	}
	failed.Error, failed.Quiet = keptError(err), f.now()
	failed.Due = f.now() + max(o.pause(failed.Attempts).Milliseconds(), 1)
	if failed.Attempts == maxAttempts {
		f.a.logger("").Error("a step of a workflow has failed often and is tried again", stepFields(&failed)...)
	}
	return nil, true, f.wait(failed, begun.ended()...)
}

// wait remembers that a step waits, with other changes.
func (f *flowRun) wait(wait record.WorkflowWait, others ...record.Change) error {
	if err := f.a.host.alarms.Open(f.ctx); err != nil {
		return f.stored(errs.Unavailable("%v", err))
	}
	return f.edit(waitSize(&wait), func(w *record.Workflow) { w.Wait(wait) }, others...)
}

// waitSize is how many bytes a wait takes, or more.
func waitSize(w *record.WorkflowWait) int64 {
	size := 100 + len(w.Key) + len(w.Signal)
	if w.Error != nil {
		size += len(w.Error.Message) + maxErrorBytes
	}
	return int64(size)
}

// isFinal reports whether an error is a step's for good: somebody has made it for those who call, and says so.
func isFinal(err error) bool {
	known := errs.Find(err)
	if known == nil || known.Retryable {
		return false
	}
	if known.FromActor {
		return true
	}
	switch known.Code {
	case troupe.CodeInternal, troupe.CodeUnavailable, troupe.CodeOverloaded, troupe.CodeDeadlineExceeded, troupe.CodeOutcomeUnknown,
		troupe.CodeUnfinished:
		return false
	case troupe.CodeCanceled: // not by this step, which has waited for a workflow that was
		return !errors.Is(err, context.Canceled)
	}
	return true
}

// attempt runs a step.
func (f *flowRun) attempt(c *StepContext, do stepFunc) (data []byte, err error) {
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	c.besideCaller = besideCaller{ctx, f.beside}
	began := f.a.host.clock.Now()
	defer f.a.host.steps.Begin(f.a.id, c.key, began)()
	err = protect(func() error {
		return c.tryWithin(ctx, func() error { data, err = do(c); return err })
	})
	if thrown, ok := errors.AsType[*panicError](err); ok {
		failed := record.WorkflowWait{Key: c.key, Attempts: c.attempt, Error: keptError(err)}
		f.a.logger("").Error("a step of a workflow panicked", stepFields(&failed)...)
		err = fmt.Errorf("panic: %v", thrown.value)
	}
	f.countStep(c, began, err)
	return data, err
}

// lastSeen is when a step was certainly not under way the last time, or, if its calls may have had an effect since then and it has
// failed all the same, when it was not before that.
func (f *flowRun) lastSeen(w *record.WorkflowWait, fresh bool) int64 {
	switch {
	case w.Touched != 0:
		return w.Touched
	case fresh && w.Attempts == 0:
		return w.Since
	}
	last := max(f.head.Began, f.head.Goes, w.Quiet)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.steps[:f.known] {
		last = max(last, f.steps[i].Ended)
	}
	return last
}

// isFresh reports whether the pass has done a step: what comes next was not begun before.
func (f *flowRun) isFresh() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.took
}

// resolved is the step that has ended a wait since the pass began, or nil: somebody has canceled the workflow, or sent a signal.
func (f *flowRun) resolved(key string) (step *record.WorkflowStep) {
	if f.head.Waiting(key) == nil {
		return nil
	}
	f.a.gate.Read(func(p *record.Parts) {
		w := p.Workflow()
		if w == nil || w.Run != f.head.Run {
			return
		}
		for _, one := range w.StepsFrom(f.known) {
			if one.Key == key {
				step = &one
			}
		}
	})
	if step != nil {
		f.passed(*step)
	}
	return step
}

// countStep counts a try of a step. Those of one workflow count together, for their names may be without number.
func (f *flowRun) countStep(c *StepContext, began time.Duration, err error) {
	one := figures.Turn{Actor: f.a.id.Tokens(), ID: dedup.ID{Given: c.IdempotencyKey()}, Run: f.a.host.clock.Now() - began}
	if err != nil {
		if one.Err = errs.Find(err); one.Err == nil {
			one.Err = errs.New(troupe.CodeInternal, "%.500v", err)
		}
	}
	f.a.kind.others.Of(wire.TurnStep, f.head.Name).Count(&one)
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

package actorhost

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// OnWorkflow implements a workflow with a function: see [Flow]. It is tried to its end, wherever the actor is, without anybody
// calling. What it gives is remembered for 7 days.
func OnWorkflow[R troupe.Reference, S, In, Out any](
	wf troupe.Workflow[R, In, Out], f func(w *Flow[S], in In) (Out, error),
) Handler[R, S] {
	if f == nil {
		return Handler[R, S]{name: wf.Name()}
	}
	function := func(run *flowRun, input []byte) ([]byte, error) {
		var in In
		if err := run.decode(input, &in); err != nil {
			return nil, err
		}
		w := &Flow[S]{flowCaller{besideCaller{run.ctx, run.beside}, run}}
		out, err := f(w, in)
		if err := meant(err); err != nil {
			return nil, err
		}
		return codec.MsgPack.Append(nil, codec.Filled(out))
	}
	flow := &workflow{pass: func(b *beside, head record.WorkflowHead, steps []record.WorkflowStep, inRecord int) {
		(&flowRun{beside: b, run: function, head: head, steps: steps, known: len(steps), inRecord: inRecord, kept: head.Logged}).pass()
	}}
	start := func(_ any, c *Context, in input, dst []byte) ([]byte, error) {
		var arg In
		if err := decodeInto(c, in, &arg); err != nil {
			return nil, err
		}
		data, err := codec.MsgPack.Append(nil, codec.Filled(arg))
		if err != nil {
			return nil, fmt.Errorf("encoding the input: %w", err)
		}
		if err := c.startWorkflow(wf.Name(), data); err != nil {
			return nil, err
		}
		return in.as.Append(dst, troupe.None(nil))
	}
	return Handler[R, S]{
		name: wf.Name(), run: start, flow: flow, takes: reflect.TypeFor[In](), gives: reflect.TypeFor[troupe.None](),
		results: reflect.TypeFor[Out](),
	}
}

// OnSignal has the actors take a signal for their workflows: see [Wait].
func OnSignal[R troupe.Reference, S, M any](s troupe.Signal[R, M]) Handler[R, S] {
	run := func(_ any, c *Context, in input, dst []byte) ([]byte, error) {
		var m M
		if err := decodeInto(c, in, &m); err != nil {
			return nil, err
		}
		data, err := codec.MsgPack.Append(nil, codec.Filled(m))
		if err != nil {
			return nil, fmt.Errorf("encoding the signal: %w", err)
		}
		if err := c.takeSignal(s.Name(), data); err != nil {
			return nil, err
		}
		return in.as.Append(dst, troupe.None(nil))
	}
	return Handler[R, S]{name: s.Name(), run: run, takes: reflect.TypeFor[M](), gives: reflect.TypeFor[troupe.None]()}
}

// editFlow makes a change of the workflow a part of the turn, after which it may go on. That the actor comes back by itself is
// marked before.
func (c *Context) editFlow(bytes int64, edit func(*record.Workflow)) error {
	if err := c.refusedTo("change", "a workflow"); err != nil {
		return err
	}
	h := c.a.host
	if err := errors.Join(c.a.markUnsent(c), h.alarms.Open(c)); err != nil {
		return errs.Unavailable("the workflow of %s: %v", c.a.id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errTurnOver
	}
	e := c.effectsToFill()
	e.flow = true
	e.changes = append(e.changes, record.EditWorkflow{Bytes: bytes, Edit: edit})
	return nil
}

// workflow is what the record has of the actor's workflow.
func (c *Context) workflow() (w record.Workflow, found bool) {
	c.a.gate.Read(func(p *record.Parts) {
		if there := p.Workflow(); there != nil && there.Name != "" {
			w, found = *there, true
		}
	})
	return w, found
}

// startWorkflow starts a workflow, unless it was started before.
func (c *Context) startWorkflow(name string, input []byte) error {
	switch there, found := c.workflow(); {
	case found && there.Name == name && codec.Equal(there.Input, input):
		return nil
	case found:
		return errs.New(troupe.CodeRequestReused, "%s has run, or runs, the workflow %s, with another input or under another name",
			c.a.id, there.Name)
	}
	now := ceilMilli(c.a.host.alarms.Now())
	head := record.WorkflowHead{Name: name, Run: nuid.Next(), Input: input, Began: now}
	return c.editFlow(int64(len(input)), func(w *record.Workflow) {
		if w.Name == "" {
			w.Begin(head)
		}
	})
}

// takeSignal keeps a signal for the workflow.
func (c *Context) takeSignal(name string, value []byte) error {
	there, found := c.workflow()
	if !found || there.Ended != 0 {
		return errs.New(troupe.CodeNotFound, "%s has no workflow under way that could take the signal %s", c.a.id, name)
	}
	size := len(name) + len(value)
	for _, one := range there.Signals {
		size += len(one.Name) + len(one.Value)
	}
	if len(there.Signals) >= record.MaxSignals || size > record.MaxSignalBytes {
		return errs.Overloaded("%d signals wait for the workflow of %s, at most %d and %d KB do", len(there.Signals), c.a.id,
			record.MaxSignals, record.MaxSignalBytes>>10)
	}
	now := ceilMilli(c.a.host.alarms.Now())
	return c.editFlow(int64(2*len(value)+len(name)), func(w *record.Workflow) {
		if w.Ended != 0 {
			return
		}
		w.Signals = append(slices.Clip(w.Signals), record.WorkflowSignal{Name: name, Value: value})
		for _, wait := range w.Waits {
			if wait.Kind == record.WaitSignal && wait.Signal == name {
				step := endOf(w, &wait, now)
				takeSignal(w, &wait)
				w.Done(*step)
				return
			}
		}
	})
}

// cancelWorkflow runs troupe.CancelWorkflowAction.
func cancelWorkflow(c *Context, in input) (any, error) {
	var reason string
	if err := in.as.Unmarshal(in.body, &reason); err != nil {
		return nil, errs.New(troupe.CodeBadInput, "%s.%s takes the reason: %v", c.a.id, c.turn.action, err)
	}
	there, found := c.workflow()
	switch {
	case !found:
		return nil, errNoWorkflow(c.a.id)
	case there.Ended != 0 || there.Failure != nil:
		return troupe.None(nil), nil
	}
	if reason == "" {
		reason = "no reason was given"
	}
	reason = shortened(reason, maxErrorBytes)
	now := ceilMilli(c.a.host.alarms.Now())
	return troupe.None(nil), c.editFlow(int64(2*len(reason)), func(w *record.Workflow) {
		tryAtOnce(w)
		for _, wait := range w.Waits {
			if wait.Kind != record.WaitRetry { // others may run beside that: the next pass sees to it
				step := canceledStep(wait.Key, wait.Since, now, reason)
				step.Kind = wait.Kind
				w.Done(step)
				return
			}
		}
		w.Cancel = reason
	})
}

// tryAtOnce has a workflow that is stuck be tried at once.
func tryAtOnce(w *record.Workflow) {
	if w.Stuck != nil {
		stuck := *w.Stuck
		stuck.Due = 0
		w.Stuck = &stuck
	}
}

// retryWorkflow runs troupe.RetryWorkflowAction.
func retryWorkflow(c *Context, _ input) (any, error) {
	there, found := c.workflow()
	switch {
	case !found:
		return nil, errNoWorkflow(c.a.id)
	case there.Ended != 0:
		return troupe.None(nil), nil
	}
	now := ceilMilli(c.a.host.alarms.Now())
	return troupe.None(nil), c.editFlow(0, func(w *record.Workflow) {
		w.Goes = now
		tryAtOnce(w)
		for _, wait := range w.Waits {
			if wait.Kind == record.WaitRetry {
				wait.Due, wait.Quiet, wait.Touched = 0, now, 0
				w.Wait(wait)
			}
		}
	})
}

func errNoWorkflow(id troupe.ID) *troupe.Error {
	return errs.New(troupe.CodeNotFound, "%s has no workflow", id)
}

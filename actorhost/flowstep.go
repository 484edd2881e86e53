package actorhost

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
)

// StepContext is the context of a step of a workflow. It is a troupe.Caller. It is done when the actor ends here: then the step
// is tried again elsewhere, from its beginning. When the host stops, that is 2 s before its grace is over: see Config.Grace.
//
// The calls of a step have the same request ids whenever it is tried, so each takes effect once, as long as its actor
// remembers it: see Config.RequestIDWindow. Should a step be tried again after a longer time, and call somebody, the workflow is
// stuck instead, until somebody has looked: see troupe.RetryWorkflowAction.
type StepContext struct {
	besideCaller

	f         *flowRun
	key       string
	attempt   int
	touched   atomic.Bool   // a call may have had an effect
	uncertain time.Duration // how long ago the step may have been tried, if that is too long; else 0

	mu     sync.Mutex
	nested map[dedup.Key]int
}

type stepKey struct{}

var _ troupe.Caller = (*StepContext)(nil)

// Attempt is how often the step was tried, with this time: from 1.
func (c *StepContext) Attempt() int { return c.attempt }

// IdempotencyKey identifies the step, for what is not an actor: it is the same whenever the step is tried, and no other
// step has it.
func (c *StepContext) IdempotencyKey() string { return c.f.head.Run + "/" + c.key }

// Value implements context.Context: with it as the context of a call, the call is the actor's and the step's.
func (c *StepContext) Value(key any) any {
	switch {
	case key == (stepKey{}) || key == (troupe.CallerKey{}):
		return c
	case origin.IsKey(key):
		return &origin.Origin{Host: &c.f.a.host.origin, Turn: (*nestingStep)(c)}
	}
	return c.besideCaller.Value(key)
}

// Invoke makes a call on behalf of the actor: see [troupe.Action.Call].
func (c *StepContext) Invoke(ctx context.Context, call troupe.Invocation) error {
	return c.affect(call.ID, func() error { return c.f.a.call(ctx, call) })
}

// Push pushes a message, which takes effect once however often the step is tried: see [troupe.Queue.Push].
func (c *StepContext) Push(ctx context.Context, p troupe.PushRequest) error {
	if p.PushID == "" {
		body, err := codec.MsgPack.Append(nil, p.Message)
		if err != nil {
			return errs.New(troupe.CodeBadInput, "%s.%s: the message: %v", p.ID, p.Queue, err)
		}
		p.PushID = (*nestingStep)(c).Nest(p.ID.Tokens(), p.Queue, body)
	}
	return c.affect(p.ID, func() error { return c.besideCaller.Push(ctx, p) })
}

// affect does what may have an effect on an actor, unless an attempt may have had that too long ago.
func (c *StepContext) affect(id troupe.ID, do func() error) error {
	if c.uncertain > 0 {
		_ = c.f.stick("the step %s may have made its calls before, %v ago: they cannot be told from new ones any more. "+
			"Look at %s, then retry the workflow", c.key, c.uncertain.Round(time.Second), id)
		return ErrSuspended
	}
	err := do()
	if known := errs.Find(err); known == nil || !known.Retryable {
		c.touched.Store(true)
	}
	return err
}

// nestingStep is a StepContext as its calls see it.
type nestingStep StepContext

// Nest implements origin.Turn.
func (t *nestingStep) Nest(callee, action string, input []byte) string {
	if !faults.Nesting {
		return ""
	}
	if canonical, err := codec.AppendCanonical(nil, input); err == nil { // else it is in another encoding, as when it runs again
		input = canonical
	}
	c := (*StepContext)(t)
	k := dedup.Nesting(c.f.a.id.Tokens(), c.f.head.Name, dedup.ID{Given: c.IdempotencyKey()}, callee, action, input)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nested == nil {
		c.nested = make(map[dedup.Key]int, 1)
	}
	c.nested[k]++
	return k.Nested(c.nested[k] - 1)
}

// GetCarried implements origin.Turn: a step begins on its own.
func (*nestingStep) GetCarried(string) string { return "" }

// StepOption changes how a step is tried: see [Tries].
type StepOption func(*stepOptions)

type stepOptions struct {
	tries       int // 0: for ever
	first, most time.Duration
}

// Tries has a step that fails tried n times in all, after pauses that double from first to most. Without it there are 20
// tries, after 1 s to 5 min. An error that an actor or the step has made for its callers, a *troupe.Error, is the step's at
// once, unless it says that the call can be made again.
func Tries(n int, first, most time.Duration) StepOption {
	return func(o *stepOptions) {
		o.tries, o.first, o.most = max(n, 1), max(first, time.Millisecond), max(most, first)
	}
}

// pause is that after so many failures.
func (o *stepOptions) pause(failures int) time.Duration {
	pause := o.first
	for ; failures > 1; failures-- {
		if pause > o.most/2 {
			return o.most
		}
		pause *= 2
	}
	return pause
}

func optionsOf(options []StepOption) stepOptions {
	o := stepOptions{maxAttempts, firstRetry, mostRetry}
	for _, set := range options {
		set(&o)
	}
	return o
}

// Step runs f once, and remembers what it has given: it runs again only if it fails, or if the actor ends here before that is
// stored. Its effects on other actors happen once, those on the world at least once: see [StepContext.IdempotencyKey]. The
// error is always a *troupe.Error, as it is remembered; its code is troupe.CodeInternal for any other error of f. How often a
// step that fails is tried, [Tries] says; the pauses are stored. What f gives may have 256 KB.
func Step[T, S any](w *Flow[S], name string, f func(*StepContext) (T, error), options ...StepOption) (T, error) {
	var out T
	data, err := w.f.step(name, optionsOf(options), encoded(f))
	if err == nil {
		err = w.f.decode(data, &out)
	}
	return out, err
}

// Each runs f for each of the items, so many at a time, as a step of its own each, and returns what they have given, in the
// order of the items. If one fails for good the others go on; the error is that of the first item that has failed.
func Each[T, U, S any](
	w *Flow[S], name string, items []T, atOnce int, f func(*StepContext, T) (U, error), options ...StepOption,
) ([]U, error) {
	all, err := w.f.each(name, len(items), max(atOnce, 1), optionsOf(options), func(i int) stepFunc {
		return encoded(func(c *StepContext) (U, error) { return f(c, items[i]) })
	})
	if err != nil {
		return nil, err
	}
	out := make([]U, len(items))
	for i, data := range all {
		if err := w.f.decode(data, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// stepFunc is a step whose result is encoded.
type stepFunc func(*StepContext) ([]byte, error)

// maxStepResult is how many bytes a step may give.
const maxStepResult = 256 << 10

func encoded[T any](f func(*StepContext) (T, error)) stepFunc {
	return func(c *StepContext) ([]byte, error) {
		out, err := f(c)
		if err != nil {
			return nil, err
		}
		data, err := codec.MsgPack.Append(nil, codec.Filled(out))
		if err != nil {
			return nil, fmt.Errorf("encoding what the step has given: %w", err)
		}
		if len(data) > maxStepResult {
			return nil, errs.New(troupe.CodeTooLarge, "the step %s has given %d bytes, at most %d are kept",
				c.key, len(data), maxStepResult)
		}
		return data, nil
	}
}

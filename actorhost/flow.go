package actorhost

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// Flow is what a workflow is given to take its steps with. The function of a workflow is run again from its beginning
// whenever it goes on: after a wait, on another host, after an error of its host. Each step that is done then gives at once
// what it gave the first time. So whatever has an effect, or may turn out otherwise the next time, belongs into a step: calls,
// the state, the clock, chance. What the function does besides must be the same each time, and the order of its steps too:
// if another step is asked for than is remembered, nothing runs, and the workflow is stuck until a program goes on that
// fits it.
//
// Steps are known by their names. In a loop the second of a name is another step.
//
// When a step returns [ErrSuspended], the function must return, with any error: it is run again when the workflow goes on.
// Its deferred functions run each time; what is to be undone once is registered by [Flow.Undo].
//
// A Flow is a troupe.Caller, for references; a call is made with the context of a step. Only one goroutine may use it.
type Flow[S any] struct {
	flowCaller
}

// flowCaller is what references are bound to.
type flowCaller struct {
	besideCaller

	f *flowRun
}

var _ troupe.Caller = (*Flow[struct{}])(nil)

// Invoke makes a call of a step: ctx is that of one.
func (c flowCaller) Invoke(ctx context.Context, call troupe.Invocation) error {
	step, ok := ctx.Value(stepKey{}).(*StepContext)
	if !ok || step.f != c.f {
		return errs.New(troupe.CodeBadInput, "%s.%s is called by a workflow outside of its steps: make the call in one, with its context",
			call.ID, call.Action)
	}
	return step.Invoke(ctx, call)
}

// Stream opens a stream in a step: ctx is that of one.
func (c flowCaller) Stream(ctx context.Context, r troupe.StreamRequest) iter.Seq2[func(any) error, error] {
	step, ok := ctx.Value(stepKey{}).(*StepContext)
	if !ok || step.f != c.f {
		return func(yield func(func(any) error, error) bool) {
			yield(nil, errs.New(troupe.CodeBadInput, "%s.%s is read by a workflow outside of its steps: read it in one, with its context",
				r.ID, r.Stream))
		}
	}
	return step.Stream(ctx, r)
}

// Logger returns the host's logger with the actor and the workflow in its fields. What a function logs outside of its steps it
// logs each time.
func (w *Flow[S]) Logger() *slog.Logger {
	return w.besideCaller.Logger().With(slog.String("workflow", w.f.head.Name))
}

// Now is the time of the last step that is done, or when the workflow was started: the same each time.
func (w *Flow[S]) Now() time.Time {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	return time.UnixMilli(max(w.f.head.Began, w.f.latest)).UTC()
}

// Update runs f as a turn of the actor, between two calls: what it changes in the state is stored with the step, so it
// happens once. An error of f is the step's: it is not tried again.
func (w *Flow[S]) Update(name string, f func(*S, *Context) error) error {
	return w.f.update(name, func(c *Context) error { return f(c.a.state.pointer().(*S), c) })
}

// Sleep waits. The step's time is set when it is reached first. Meanwhile the actor may sleep: then nothing of it takes any
// memory. Sleeping for days is as good as for seconds, but takes two writes.
func (w *Flow[S]) Sleep(name string, d time.Duration) error {
	_, err := w.f.await(name, record.WaitSleep, "", d)
	return err
}

// Undo registers what is to be done if the workflow fails, or is canceled: then the undos run, the last that was registered
// first, each as a step with this name. It is tried again until it succeeds, from 1 s to 5 min later each time: one that has
// failed 20 times is shown as such. An undo is registered before or after the step that it belongs to: before, if that may
// have had an effect though it has failed.
func (w *Flow[S]) Undo(name string, f func(*StepContext) error) {
	w.f.undos = append(w.f.undos, undo{name, f})
}

// Version says which version of a part of the function this run takes, for a function that is changed while runs of the one
// before are under way: newest in a run that has got there only now, less in one that was there before, and 0 if that
// version did not ask yet. In a loop it is asked each time, and each time is a step. A run that a program with a higher newest has
// gone on with is left alone by this one.
//
//	if v, err := w.Version("checkTheAddress", 1); err != nil { return none, err } else if v >= 1 { ... }
func (w *Flow[S]) Version(change string, newest int) (int, error) { return w.f.version(change, newest) }

// Wait waits for a signal, for so long at most; with 0 for as long as it takes, with less not at all. The error is
// [troupe.ErrTimedOut] if it has not come by then, and [troupe.ErrCanceled] if the workflow was canceled. Signals of a name are
// taken in the order in which they came; one that has come before the wait, or after one that was over, is taken by the next.
func Wait[R troupe.Reference, M, S any](w *Flow[S], signal troupe.Signal[R, M], name string, most time.Duration) (M, error) {
	var m M
	data, err := w.f.await(name, record.WaitSignal, signal.Name(), most)
	if err == nil {
		err = w.f.decode(data, &m)
	}
	return m, err
}

// Restart ends this run of the workflow's function and begins anew with another input, without its steps: for what goes on for
// ever. The function must return its error:
//
//	return none, actorhost.Restart(w, Watch, next)
//
// What was registered by [Flow.Undo] is not undone any more.
func Restart[R troupe.Reference, In, Out, S any](_ *Flow[S], _ troupe.Workflow[R, In, Out], in In) error {
	input, err := codec.MsgPack.Append(nil, codec.Filled(in))
	if err != nil {
		return fmt.Errorf("encoding the input to restart with: %w", err)
	}
	return &restartError{input}
}

// restartError ends a run to begin another.
type restartError struct{ input []byte }

func (*restartError) Error() string { return "the workflow restarts" }

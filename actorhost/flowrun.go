package actorhost

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// flowRun is one pass of the function of a workflow: from its beginning to where it ends or waits.
type flowRun struct {
	*beside

	run      func(f *flowRun, input []byte) (output []byte, err error) // the function of the workflow; nil if the program has none
	undos    []undo
	known    int // steps that were done when the pass began
	inRecord int // those of them that the record had

	mu       sync.Mutex
	head     record.WorkflowHead   // as of the beginning of the pass
	steps    []record.WorkflowStep // that are done
	at       int                   // how many of them the function has passed
	latest   int64                 // when the last of those ended: steps side by side are in no certain order
	asked    map[string]int        // how often for a step of each name
	took     bool                  // the pass has done a step: the next was not tried before
	kept     int                   // how many steps are kept elsewhere, and may leave the record
	logged   []record.WorkflowStep // those, in their order there, which may not be that in which steps side by side were passed
	undoing  bool
	stopped  error  // nothing runs any more
	stuck    string // why, if it is for that
	again    bool   // it is to be run again soon
	refusals int
}

// undo is what is to be done if the workflow fails.
type undo struct {
	name string
	do   func(*StepContext) error
}

// maxRefusals is how often a function may ask for steps once it was told to return. Then its goroutine is ended.
const maxRefusals = 1000

// stop has nothing run any more: the function is to return.
func (f *flowRun) stop() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped == nil {
		f.stopped = ErrSuspended
	}
	return f.stopped
}

// stick stops the pass, for a reason that keeps the workflow from going on with this program.
func (f *flowRun) stick(format string, args ...any) error {
	f.mu.Lock()
	if f.stuck == "" && f.stopped == nil {
		f.stuck = fmt.Sprintf(format, args...)
	}
	f.mu.Unlock()
	return f.stop()
}

// next is the key of the step that is asked for, unless nothing may run any more.
func (f *flowRun) next(name string) (string, error) {
	if err := troupe.CheckName("step", name); err != nil {
		return "", f.stick("%v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped == nil && (f.ctx.Err() != nil || f.last.Load()) {
		f.stopped = ErrSuspended
	}
	if f.stopped != nil {
		if f.refusals++; f.refusals > maxRefusals {
			runtime.Goexit()
		}
		return "", f.stopped
	}
	if f.asked == nil {
		f.asked = make(map[string]int)
	}
	f.asked[name]++
	return keyOf(name, f.asked[name]), nil
}

// keyOf is the key of the nth step of a name.
func keyOf(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s#%d", name, n)
}

// recorded returns the step with a key that is done. It is the next one, or the function does not fit what is remembered.
func (f *flowRun) recorded(key string) (*record.WorkflowStep, error) {
	f.mu.Lock()
	if f.at < len(f.steps) {
		one := &f.steps[f.at]
		if one.Key == key {
			f.at, f.latest = f.at+1, max(f.latest, one.Ended)
			f.mu.Unlock()
			return one, nil
		}
		f.mu.Unlock()
		return nil, f.stick("the step %s was asked for, where %s is remembered: the program does not fit the run", key, one.Key)
	}
	failed, undoing := f.head.Failure, f.undoing
	f.mu.Unlock()
	for _, one := range f.waits() {
		if !within(one.Key, key) {
			return nil, f.stick("the step %s was asked for, where %s waits: the program does not fit the run", key, one.Key)
		}
	}
	if failed != nil && !undoing {
		return nil, f.stick("the step %s was asked for, where the workflow had failed: the program does not fit the run", key)
	}
	return nil, nil
}

// within reports whether a key is that of a step, or of one of its items.
func within(key, step string) bool {
	return key == step || len(key) > len(step) && key[:len(step)] == step && key[len(step)] == '['
}

// given is what a step has given.
func given(s *record.WorkflowStep) ([]byte, error) {
	if s.Error != nil {
		return nil, s.Error.Err()
	}
	return s.Result, nil
}

// maxErrorBytes is how much of the text of an error is kept.
const maxErrorBytes = 2000

// keptError is an error as it is remembered.
func keptError(err error) *record.WorkflowError {
	known := errs.Find(err)
	if known == nil || troupe.CheckName("error code", string(known.Code)) != nil {
		known = errs.New(troupe.CodeInternal, "%v", err)
	}
	message := shortened(known.Message, maxErrorBytes)
	kept := &record.WorkflowError{Code: known.Code, Message: message, Metadata: known.Metadata, FromActor: known.FromActor}
	if data, err := codec.MsgPack.Append(nil, kept.Metadata); err != nil || len(data) > maxErrorBytes {
		kept.Metadata = nil
	}
	return kept
}

// begin is the key of the step that is asked for, and the step, if it is done. If not, it is to be done now.
func (f *flowRun) begin(name string) (key string, done *record.WorkflowStep, err error) {
	if key, err = f.next(name); err != nil {
		return "", nil, err
	}
	if done, err = f.recorded(key); done != nil || err != nil {
		return "", done, err
	}
	if done = f.resolved(key); done == nil {
		done, err = f.canceled(key)
	}
	if done == nil && err == nil {
		err = f.hasRoom()
	}
	return key, done, err
}

// hasRoom stops the pass if the workflow has as many steps as it may have. There is room to undo them.
func (f *flowRun) hasRoom() error {
	most := record.MaxWorkflowSteps
	f.mu.Lock()
	if f.undoing {
		most = record.MaxSteps
	}
	full := len(f.steps) >= most
	f.mu.Unlock()
	if full {
		return f.stick("it has %d steps, which is the most: restart it with what it needs to know", most)
	}
	return nil
}

// editing is a change of what the record has of the workflow, after which steps leave it that are kept elsewhere.
func (f *flowRun) editing(bytes int64, change func(*record.Workflow)) record.EditWorkflow {
	run := f.head.Run
	f.mu.Lock()
	kept := f.kept
	f.mu.Unlock()
	return record.EditWorkflow{Bytes: bytes, Edit: func(w *record.Workflow) {
		if w.Run == run {
			w.Drop(kept)
			change(w)
		}
	}}
}

// edit makes such a change, with others, and waits until that is stored. On failure the pass stops.
func (f *flowRun) edit(bytes int64, change func(*record.Workflow), others ...record.Change) error {
	return f.stored(f.change(append(others, f.editing(bytes, change))...))
}

// stored stops the pass if what it has done could not be stored.
func (f *flowRun) stored(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrSuspended), f.ctx.Err() != nil:
	case errors.Is(err, troupe.ErrTooLarge):
		return f.stick("what it remembers has no room in the record of the actor: %v", err)
	default:
		f.a.failed(remembering, err)
		f.mu.Lock()
		f.again = true
		f.mu.Unlock()
	}
	return f.stop()
}

// remembering is what may fail for long.
const remembering = "storing a step of a workflow failed: it is tried again"

// done remembers that a step is done, with other changes.
func (f *flowRun) done(step record.WorkflowStep, others ...record.Change) error {
	if err := f.hasRoom(); err != nil {
		return err
	}
	if err := f.edit(step.Size(), func(w *record.Workflow) { w.Done(step) }, others...); err != nil {
		return err
	}
	f.passed(step)
	return nil
}

// passed notes a step that was stored.
func (f *flowRun) passed(step record.WorkflowStep) {
	f.mu.Lock()
	f.steps = append(f.steps, step)
	f.at, f.took, f.latest = len(f.steps), true, max(f.latest, step.Ended)
	f.mu.Unlock()
	f.keepSteps()
}

func (f *flowRun) now() int64 { return ceilMilli(f.a.host.alarms.Now()) }

// current is what the record has of the workflow now, besides the steps.
func (f *flowRun) current() (head record.WorkflowHead) {
	f.a.gate.Read(func(p *record.Parts) {
		if w := p.Workflow(); w != nil && w.Run == f.head.Run {
			head = w.WorkflowHead
		}
	})
	return head
}

// waits are those that the pass began with, and that are not over yet.
func (f *flowRun) waits() []record.WorkflowWait {
	if len(f.head.Waits) == 0 {
		return nil
	}
	now := f.current()
	return slices.DeleteFunc(slices.Clone(f.head.Waits), func(one record.WorkflowWait) bool { return now.Waiting(one.Key) == nil })
}

// canceled remembers that a step has failed because the workflow is canceled, and returns it, if so.
func (f *flowRun) canceled(key string) (*record.WorkflowStep, error) {
	cancel := f.current().Cancel
	if cancel == "" || f.undoing {
		return nil, nil
	}
	now := f.now()
	step := canceledStep(key, now, now, cancel)
	if err := f.edit(step.Size(), func(w *record.Workflow) {
		w.Done(step)
		w.Waits, w.Cancel = nil, "" // what waits beside it never runs
	}); err != nil {
		return nil, err
	}
	f.passed(step)
	return &step, nil
}

// canceledStep is a step that fails because the workflow is canceled.
func canceledStep(key string, began, now int64, reason string) record.WorkflowStep {
	return record.WorkflowStep{
		Key: key, Began: began, Ended: now, Canceled: true,
		Error: &record.WorkflowError{Code: troupe.CodeCanceled, Message: "the workflow was canceled: " + reason},
	}
}

// decode decodes what a step has given. If that fails, the program does not fit the run.
func (f *flowRun) decode(data []byte, into any) error {
	if err := codec.MsgPack.Unmarshal(data, into); err != nil {
		return f.stick("what a step has given does not decode: the program does not fit the run: %v", err)
	}
	return nil
}

package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

var workflowPart = kind{name: "workflow", make: func() Part { return new(Workflow) }, inBytes: true, feature: "workflows"}

// Workflow is the workflow of an actor that is under way, or the last one that was.
type Workflow struct {
	WorkflowHead

	steps   []WorkflowStep
	encoded []byte // the steps, one after the other
	head    []byte // encoded; nil if it has changed since
}

// WorkflowHead is what a record has of a workflow besides the steps.
type WorkflowHead struct {
	Name    string           `json:"n"`
	Run     string           `json:"u"`           // tells it from others of the actor
	Input   []byte           `json:"i"`           // msgpack
	Began   int64            `json:"b"`           // in milliseconds since 1970, as all times here
	Goes    int64            `json:"g,omitempty"` // when somebody has said that it is to go on, whatever may have run twice
	Waits   []WorkflowWait   `json:"w,omitempty"`
	Signals []WorkflowSignal `json:"s,omitempty"`
	Cancel  string           `json:"c,omitempty"` // why its next step is to fail
	Failure *WorkflowError   `json:"f,omitempty"` // why what it has done is undone
	Stuck   *WorkflowStuck   `json:"k,omitempty"`
	Ended   int64            `json:"e,omitempty"`
	Result  []byte           `json:"r,omitempty"` // msgpack
	Forget  int64            `json:"d,omitempty"` // when it is forgotten, once it is over
	Logged  int              `json:"l,omitempty"` // how many steps came before those that the record has, and are kept elsewhere
}

// WorkflowStep is a step that is done.
type WorkflowStep struct {
	Key      string         `json:"k"` // its name, and which of those with that name it is
	Kind     string         `json:"c,omitempty"`
	Began    int64          `json:"b"`
	Ended    int64          `json:"e"`
	Attempts int            `json:"a,omitempty"`
	Result   []byte         `json:"r,omitempty"` // msgpack
	Error    *WorkflowError `json:"x,omitempty"`
	Canceled bool           `json:"y,omitempty"` // it has failed because the workflow was canceled
}

// WorkflowWait is a step that waits.
type WorkflowWait struct {
	Key      string         `json:"k"`
	Kind     string         `json:"c"`
	Since    int64          `json:"s"`
	Due      int64          `json:"d,omitempty"` // 0: never
	Signal   string         `json:"n,omitempty"`
	Attempts int            `json:"a,omitempty"` // that have failed
	Error    *WorkflowError `json:"x,omitempty"` // of the last of them
	Quiet    int64          `json:"q,omitempty"` // when it was certainly not under way
	Touched  int64          `json:"t,omitempty"` // when one of them may first have called somebody with effect; 0: none has
}

// WorkflowSignal is a signal that nobody has waited for yet.
type WorkflowSignal struct {
	Name  string `json:"n"`
	Value []byte `json:"v"` // msgpack
}

// WorkflowError is an error of a workflow or a step.
type WorkflowError struct {
	Code      troupe.Code    `json:"c"`
	Message   string         `json:"m"`
	Metadata  map[string]any `json:"d,omitempty"`
	FromActor bool           `json:"a,omitempty"`
}

// WorkflowStuck says why a workflow cannot go on with the program that has tried.
type WorkflowStuck struct {
	Reason string `json:"r"`
	Since  int64  `json:"s"`
	Tries  int    `json:"t"`
	Due    int64  `json:"d"` // when it is tried again; 0: now
}

// What a workflow may have at most.
const (
	MaxWorkflowSteps = 10_000
	MaxSteps         = 4 * MaxWorkflowSteps // with those that undo others
	MaxSignals       = 1_000                // that nobody has waited for
	MaxSignalBytes   = 128 << 10            // of those
)

// Workflow returns the workflow of the actor, or nil.
func (p *Parts) Workflow() *Workflow { return get[*Workflow](p, &workflowPart) }

// Steps are those that are done, in order. They must not be changed.
func (w *Workflow) Steps() []WorkflowStep {
	if w == nil {
		return nil
	}
	return w.steps
}

// StepsFrom are those of the record from a number on, which counts those that are kept elsewhere too.
func (w *Workflow) StepsFrom(number int) []WorkflowStep {
	return w.steps[min(max(number-w.Logged, 0), len(w.steps)):]
}

// Waiting is the wait of a step, or nil.
func (w *WorkflowHead) Waiting(key string) *WorkflowWait {
	if i := slices.IndexFunc(w.Waits, func(one WorkflowWait) bool { return one.Key == key }); i >= 0 {
		return &w.Waits[i]
	}
	return nil
}

// Due is when the workflow goes on by itself, at the earliest, if it waits for that; or when it is forgotten. Zero is never.
func (w *WorkflowHead) Due() int64 {
	if w.Ended != 0 {
		return w.Forget
	}
	if w.Stuck != nil {
		return w.Stuck.Due
	}
	due := int64(0)
	for _, one := range w.Waits {
		if one.Due != 0 && (due == 0 || one.Due < due) {
			due = one.Due
		}
	}
	return due
}

// Runs reports whether the workflow can go on now: it waits for nothing, or was canceled. Of steps side by side others may go on while
// one waits.
func (w *WorkflowHead) Runs() bool {
	switch {
	case w.Ended != 0:
		return false
	case w.Stuck != nil:
		return w.Stuck.Due == 0
	}
	return len(w.Waits) == 0 || w.Cancel != "" && w.Failure == nil || slices.ContainsFunc(w.Waits, func(one WorkflowWait) bool {
		return one.Kind == WaitRetry && (one.Due == 0 || strings.HasSuffix(one.Key, "]"))
	})
}

// The kinds of waits, and of steps.
const (
	WaitSleep   = "sleep"
	WaitSignal  = "signal"
	WaitRetry   = "retry"
	StepUpdate  = "update"
	StepVersion = "version"
	StepUndo    = "undo"
)

// EditWorkflow is the change of a turn to the workflow of the actor.
type EditWorkflow struct {
	Bytes int64 // that it may add, at most
	Edit  func(*Workflow)
}

// Size implements [Change].
func (c EditWorkflow) Size(*Parts) int64 { return c.Bytes + workflowRoom }

// workflowRoom is how many bytes an edit may take besides what it adds, with the schedule for when the workflow goes on.
const workflowRoom = 256

// Shared implements [Change].
func (EditWorkflow) Shared() bool { return false }

// Apply implements [Change]. It keeps the schedule for when the workflow goes on.
func (c EditWorkflow) Apply(p *Parts) {
	w := own[*Workflow](p, &workflowPart)
	c.Edit(w)
	w.head = nil
	due := int64(0)
	if w.Name != "" {
		due = w.Due()
	}
	switch there := p.Schedules().Find(WorkflowTime); {
	case due == 0 && there != nil:
		p.Schedules().remove(WorkflowTime)
	case due != 0 && (there == nil || there.Due != due):
		own[*Schedules](p, &schedulesPart).put(Scheduled{Name: WorkflowTime, Action: WorkflowTime, Set: w.Began, Due: due})
	}
}

// Begin makes it another workflow.
func (w *Workflow) Begin(head WorkflowHead) { *w = Workflow{WorkflowHead: head} }

// Done adds a step that is done, and ends its wait.
func (w *Workflow) Done(step WorkflowStep) {
	w.steps = append(w.steps, step)
	w.encoded = step.append(w.encoded)
	w.Waits = slices.DeleteFunc(slices.Clone(w.Waits), func(one WorkflowWait) bool { return one.Key == step.Key })
}

// StepBytes is how many bytes of the record the steps take.
func (w *Workflow) StepBytes() int { return len(w.encoded) }

// Block is the steps that the record has, to be kept elsewhere.
func (w *Workflow) Block() []byte { return append(codec.AppendArray(nil, len(w.steps)), w.encoded...) }

// DecodeBlock reads what [Workflow.Block] has made.
func DecodeBlock(block []byte) (steps []WorkflowStep, err error) {
	err = guard(func() error { return codec.MsgPack.Unmarshal(block, &steps) })
	return steps, err
}

// Drop takes steps off the record that are kept elsewhere: those before a number.
func (w *Workflow) Drop(before int) {
	n := min(before-w.Logged, len(w.steps))
	if n <= 0 {
		return
	}
	w.steps, w.encoded = slices.Clone(w.steps[n:]), nil // others may hold what there was
	for i := range w.steps {
		w.encoded = w.steps[i].append(w.encoded)
	}
	w.Logged += n
}

// Wait has a step wait.
func (w *Workflow) Wait(wait WorkflowWait) {
	w.Waits = append(slices.DeleteFunc(slices.Clone(w.Waits), func(one WorkflowWait) bool { return one.Key == wait.Key }), wait)
}

// Size implements [Part].
func (w *Workflow) Size() int64 {
	if w.Name == "" {
		return 0
	}
	return int64(len(w.encodedHead())+len(w.encoded)) + 4*maxHead
}

func (w *Workflow) encodedHead() []byte {
	if w.head == nil {
		w.head, _ = codec.MsgPack.Append(nil, w.WorkflowHead) // which is made of what can be encoded
	}
	return w.head
}

// Append implements [Part].
func (w *Workflow) Append(b []byte) []byte {
	b = codec.AppendMap(b, 2)
	b = append(codec.AppendString(b, "head"), w.encodedHead()...)
	b = codec.AppendArray(codec.AppendString(b, "steps"), len(w.steps))
	return append(b, w.encoded...)
}

func (s *WorkflowStep) append(b []byte) []byte {
	b, _ = codec.MsgPack.Append(b, s)
	return b
}

// Size is how many bytes the step takes.
func (s *WorkflowStep) Size() int64 { return int64(len(s.append(nil))) }

// Decode implements [Part].
func (w *Workflow) Decode(value []byte) error {
	var decoded struct {
		Head  WorkflowHead   `json:"head"`
		Steps []WorkflowStep `json:"steps"`
	}
	if err := codec.MsgPack.Unmarshal(value, &decoded); err != nil {
		return err
	}
	if err := decoded.Head.check(); err != nil {
		return err
	}
	if len(decoded.Steps) > MaxSteps {
		return fmt.Errorf("it has %d steps", len(decoded.Steps))
	}
	w.WorkflowHead, w.steps = decoded.Head, decoded.Steps
	for i := range w.steps {
		w.encoded = w.steps[i].append(w.encoded)
	}
	return nil
}

func (w *WorkflowHead) check() error {
	if err := checkName("workflow", w.Name); err != nil {
		return err
	}
	for _, at := range [...]int64{w.Began, w.Goes, w.Ended, w.Forget, w.Due()} {
		if at < 0 || at > maxTime {
			return fmt.Errorf("a time of it is %d", at)
		}
	}
	if w.Logged < 0 || w.Logged > MaxSteps {
		return fmt.Errorf("%d of its steps are elsewhere", w.Logged)
	}
	if w.Stuck != nil && (w.Stuck.Tries < 0 || w.Stuck.Since < 0 || w.Stuck.Since > maxTime) {
		return errors.New("it is stuck in a way that cannot be")
	}
	for _, one := range w.Waits {
		if one.Key == "" || one.Due < 0 || one.Due > maxTime || one.Since < 0 || one.Since > maxTime || one.Attempts < 0 {
			return fmt.Errorf("the step %.40q waits in a way that cannot be", one.Key)
		}
	}
	return nil
}

package actorhost

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/lives"
	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/actorhost/internal/readers"
	"github.com/troupe-go/troupe/actorhost/internal/streams"
	"github.com/troupe-go/troupe/actorhost/internal/tenants"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// activation is one actor's life in memory on one host. It begins with the first call that finds the actor asleep, and
// ends when the actor falls asleep, moves to another host or is destroyed. A goroutine runs only while there is
// something in the mailbox.
type activation struct {
	host    *env
	kind    *actorType
	id      troupe.ID
	session *presence.Session
	tenant  *tenants.Tenant // nil without limits
	began   time.Duration   // on the host's clock
	stays   atomic.Int64    // until then, on the host's clock: see staysUntil
	place   int             // in the list of its type; the roster's mutex guards it

	now   atomic.Pointer[Context] // the turn that runs, or nil
	wakes atomic.Int64            // since when it is about to wake, on the host's clock; else 0

	mu            sync.Mutex
	mailbox       mailbox.Mailbox[callName, work]
	readers       *readers.Book[callName, *Context] // nil until a read-only action has run
	snapshotReads *snapshotReads                    // nil if the type has no action that may run beside turns
	serving       dedup.ID                          // of the call that is running
	canceled      *canceledCalls                    // nil if there have been none
	running       bool                              // a goroutine drains the mailbox
	closed        bool                              // the mailbox takes nothing more; the host has removed the activation
	endedSignal   chan struct{}                     // closed when closed is set; nil until somebody waits for it
	ending        workKind                          // stopWork or dropWork, if requested: done before anything in the mailbox
	used          bool                              // since the last idle sweep
	busied        bool                              // since used was set, by what keeps the actor awake
	idleSince     time.Duration                     // set by the idle sweep; on the host's clock
	listeners     map[string]*listener              // by subject
	streams       []*streaming                      // that the actor produces

	connections connections

	// The draining goroutine owns the rest. While there is none, the holder of mu does. Read-only actions beside it only read.
	goroutine  uint64 // that one: see package stacks
	blank      bool   // there is no actor: the call that is served looks at a new state
	awake      bool   // the host owns the actor, and the wake hook has run
	created    bool   // the record says that the actor exists
	finished   bool   // the activation must end: the actor sleeps, is destroyed, or is fenced off by another owner
	destroyed  bool
	gone       bool // there is no record of the actor any more
	rests      bool // it was asked to sleep: its loop does not come back by itself
	decoded    any  // the input of the call that is served, until it runs, or nil: see [input]
	state      state
	current    []byte // encoding of the state after the last turn; nil before the first one, and at rest
	merged     []byte // current with those fields of the record that this program does not know; nil if there are none
	epoch      uint64
	borrowed   *borrowing // not claimed, since there is no room for that
	sub        *nats.Subscription
	gate       commit.Gate
	unsent     atomic.Pointer[store.Mark]
	check      *lives.Check      // nil without Config.CheckState, and until the actor is awake
	taken      bool              // the record named another host when it was to wake
	ownerEpoch uint64            // the epoch of the owner that was found when it was to wake
	volatile   *record.Parts     // what is scheduled in memory only; nil if nothing was
	planned    bool              // the agenda may call for it
	inDue      bool              // what is due is running
	pushes     atomic.Uint64     // messages that turns have pushed
	messages   *wire.QueuedBatch // of the call that is served, if it hands any over
	misread    bool              // the call that is served has an input that this program cannot take
	loop       *beside           // the run loop; nil when there is none, or it has ended for good
	pause      chan struct{}     // closed when the long pause is over in which the loop is; else nil
	flow       *beside           // the pass of the workflow that is under way, or nil
	flowSteps  knownSteps        // of its last pass here
	flowAgain  bool              // there is reason for another one
	results    []*resultWait     // calls that wait for the end of the workflow
	comesBack  bool              // somebody must wake the actor again, because what runs beside its turns is not over
}

// beside is a goroutine that runs beside the turns of an actor (beside.go). It touches the state in turns only.
type beside struct {
	a       *activation
	ctx     context.Context //nolint:containedctx // the life of the goroutine
	cancel  context.CancelFunc
	waiting chan struct{} // one element for each inside
	turning atomic.Pointer[Context]
	refused atomic.Bool   // an inside was not stored: the activation may end for that
	last    atomic.Bool   // of a workflow: the step that runs is the last here, and the activation is to end after it
	marked  chan struct{} // closed when somebody would wake the actor elsewhere
	over    chan struct{} // closed when the goroutine has ended
	ended   atomic.Bool   // for good: it has returned without an error
}

// streaming is a stream that an actor produces (streaming.go).
type streaming struct {
	*beside

	call   callName // that has opened it
	turn   turn     // the same
	as     codec.Codec
	to     string // where its items go
	name   string // see [wire.Namespace.Stream]
	out    *streams.Stream
	cancel context.CancelCauseFunc
}

// knownSteps are steps of a workflow, from the first on.
type knownSteps struct {
	run   string
	steps []record.WorkflowStep
}

// resultWait is a call that waits for the end of the workflow.
type resultWait struct {
	call  work
	timer *time.Timer
}

// worksBeside reports whether something runs beside the turns that keeps the actor awake. The caller holds a.mu.
func (a *activation) worksBeside() bool {
	return len(a.streams) > 0 || a.loop != nil && !a.loop.ended.Load() && a.pause == nil || a.flow != nil
}

// canceledCalls are the calls whose callers have given up. The activation's mutex guards it.
type canceledCalls struct {
	waiting mailbox.Canceled[callName]
	serving bool     // the call that is served is one
	running *Context // of the turn that ends with its caller; else nil
}

// borrowing is the life of an actor without a claim (borrow.go), in the epoch of the last one.
type borrowing struct {
	since time.Duration // on the host's clock
	why   error
}

type offerResult int

const (
	queued    offerResult = iota // a goroutine drains the mailbox already
	mustRun                      // queued, and the caller must add the activation to the pool
	duplicate                    // the same call is running or queued
	mailboxFull
	tenantFull
	activationClosed
	cannotComeBack // the actor waits for what has called, and has no snapshot
	readsFull      // the same, and so many run beside the turns
)

// offer puts work into the mailbox, if there is room.
func (a *activation) offer(w *work) offerResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		return activationClosed
	case w.Again && a.runsOrWaits(nameOf(w.ID)):
		return duplicate
	}
	if w.beside {
		if r, taken := a.offerSnapshotRead(w); taken {
			return r
		}
	}
	if w.kind != insideWork && w.kind != lapseWork && !a.mailbox.HasRoom(a.host.mailboxes, w, a.kind.config.MailboxSize) {
		return mailboxFull
	}
	if w.counted = a.tenant != nil && w.kind == callWork; w.counted && !a.tenant.Wait(int64(w.Size)) {
		return tenantFull
	}
	a.push(*w)
	if !a.running {
		a.running = true
		return mustRun
	}
	a.readers.Behind(a.mailbox.Len())
	return queued
}

// offerSnapshotRead has a call run beside the turns if it would wait for one. It is not taken if it belongs into the mailbox. The
// caller holds a.mu.
func (a *activation) offerSnapshotRead(w *work) (r offerResult, taken bool) {
	s := a.snapshotReads
	waits := a.running && (s.turns || s.writers > 0)
	if must := w.comesBack && (a.running || a.readers.Len() > 0); !waits && !must {
		return 0, false
	}
	switch {
	case !s.open || a.ending == dropWork || !a.session.Valid() || a.gate.Snapshot() == nil:
		return cannotComeBack, w.comesBack && a.mayWaitForCall()
	case s.count >= readers.Most:
		return readsFull, w.comesBack
	case a.host.snapshotReads.Add(1) > maxSnapshotReads:
		a.host.snapshotReads.Add(-1)
		return readsFull, w.comesBack
	}
	if w.counted = a.tenant != nil; w.counted && !a.tenant.Wait(int64(w.Size)) {
		a.host.snapshotReads.Add(-1)
		return tenantFull, true
	}
	s.count++
	s.waiting = append(s.waiting, *w)
	return mustRun, true
}

// mayWaitForCall reports whether something here may wait for a call that comes back to the actor. Else what does is on another host,
// which this one finds out as it wakes the actor. The caller holds a.mu.
func (a *activation) mayWaitForCall() bool {
	c := a.now.Load()
	return c != nil && c.called.Load() || a.readers.Len() > 0 || a.snapshotReads.busy()
}

// push puts work into the mailbox. The caller holds a.mu.
func (a *activation) push(w work) {
	a.snapshotReads.queued(&w)
	a.mailbox.Push(a.host.mailboxes, w)
}

// hasCall reports whether a call is here. It looks where the call is first, first.
func (a *activation) hasCall(name callName) bool {
	a.mu.Lock()
	here := a.runsOrWaits(name)
	a.mu.Unlock()
	return here || a.gate.Holds(func(c *call.Call) bool { return nameOf(c.ID) == name })
}

// runsOrWaits reports whether a call runs or waits. The caller holds a.mu.
func (a *activation) runsOrWaits(name callName) bool {
	return name != callName{} && (a.hasStarted(name) || a.waitingCall(name) != nil)
}

// waitingCall returns the call with a name that waits, or nil. The caller holds a.mu.
func (a *activation) waitingCall(name callName) *work {
	if w := a.snapshotReads.find(name); w != nil {
		return w
	}
	return a.mailbox.Find(a.host.mailboxes, name)
}

// hasStarted reports whether a call is one that runs. The caller holds a.mu.
func (a *activation) hasStarted(name callName) bool {
	return nameOf(a.serving) == name || a.readers.Has(name)
}

// withdraw keeps a call from starting. It reports whether the call has waited.
func (a *activation) withdraw(name callName) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.waitingCall(name)
	if w == nil || w.kind != callWork {
		return false
	}
	w.withdrawn, w.Header, w.Data, w.ID.Given = true, nil, nil, ""
	return true
}

// next takes the next work. If there is none, the goroutine must return.
func (a *activation) next() (work, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w, ok := a.nextWork()
	a.snapshotReads.goesOn(&w, ok)
	return w, ok
}

// nextWork is next. The caller holds a.mu.
func (a *activation) nextWork() (work, bool) {
	if !a.readerIsNext() {
		switch names := a.readers.Unchecked(); {
		case names != nil:
			return work{kind: checkWork, arg: names}, true
		case a.readers.Len() > 0 && (a.ending != 0 || a.mailbox.Len() > 0):
			a.readers.Wait()
			return work{}, false
		}
	}
	for a.ending == 0 && a.mailbox.Len() > 0 {
		w := a.mailbox.Pop(a.host.mailboxes)
		a.uncount(&w)
		if !a.passOver(&w) {
			a.serving, a.busied = w.ID, a.busied || !w.isDue()
			if a.canceled != nil {
				a.canceled.serving = false
			}
			return w, true
		}
	}
	switch {
	case a.ending != 0:
		return work{kind: a.ending}, true
	case !a.awake:
		return work{kind: dropWork}, true
	}
	a.running, a.serving = false, dedup.ID{}
	a.used, a.busied = a.used || a.busied, false
	return work{}, false
}

// readerIsNext reports whether the next work is a call of a read-only action, and may run beside those that run. The caller holds
// a.mu.
func (a *activation) readerIsNext() bool {
	return a.ending == 0 && a.mailbox.Len() > 0 && a.mailbox.Items()[0].reads && !a.readers.Full()
}

var errCallerGone = errs.New(troupe.CodeCanceled, "the caller gave up")

// passOver reports whether work that has just left the mailbox is a call that was withdrawn, or canceled. It counts one that
// was canceled. The caller holds a.mu.
func (a *activation) passOver(w *work) bool {
	if a.canceled != nil && a.canceled.waiting.Has(nameOf(w.ID)) && !w.withdrawn {
		w.CountRefused(errCallerGone)
		return true
	}
	return w.withdrawn
}

// drain empties the mailbox, and returns what is still wanted. The caller holds a.mu.
func (a *activation) drain() []work {
	return slices.DeleteFunc(a.mailbox.Drain(a.host.mailboxes), func(w work) bool { a.uncount(&w); return a.passOver(&w) })
}

// uncount is told of work that has left the mailbox.
func (a *activation) uncount(w *work) {
	a.snapshotReads.unqueued(w)
	a.waitsNoMore(w)
}

// waitsNoMore is told of work that has waited.
func (a *activation) waitsNoMore(w *work) {
	if w.counted {
		a.tenant.Began(int64(w.Size))
	}
}

// keepAwake counts as a call for the time after which the actor sleeps.
func (a *activation) keepAwake() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busied = true
}

// busy reports whether more work follows, here or on the host.
func (a *activation) busy() bool {
	if a.host.busy() {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mailbox.Len() > 0
}

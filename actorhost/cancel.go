package actorhost

import (
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/internal/wire"
)

// canceledCalls are the calls of an activation whose callers have given up. The activation's mutex guards it.
type canceledCalls struct {
	ids     map[wire.RequestID]struct{} // perhaps in the mailbox; without their floors
	order   queue.FIFO[canceledCall]    // the same, oldest first
	left    uint64                      // how much has left the mailbox
	running *Context                    // of the turn that ends with its caller; else nil
}

// canceledCall is known until what was in the mailbox at that time has left it.
type canceledCall struct {
	id    wire.RequestID
	until uint64
}

var errCallerGone = errs.New(troupe.CodeCanceled, "the caller gave up")

// cancel makes a call that waits be passed over. If it runs, its Context is done, where the type wants that.
func (a *activation) cancel(id wire.RequestID) {
	if running := a.cancelWaiting(wire.RequestID{Caller: id.Caller, Number: id.Number}); running != nil {
		running.cancel()
	}
}

// cancelWaiting notes a call, which may be in the mailbox. If it runs instead and ends with its caller, it returns its
// Context.
func (a *activation) cancelWaiting(id wire.RequestID) (running *Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.canceled == nil {
		a.canceled = &canceledCalls{ids: make(map[wire.RequestID]struct{})}
	}
	c, waiting := a.canceled, a.mailbox.Len()
	if id.Caller == a.serving.Caller && id.Number == a.serving.Number {
		return c.running
	}
	if _, known := c.ids[id]; !known && len(c.ids) < waiting {
		c.ids[id] = struct{}{}
		c.order.Push(canceledCall{id, c.left + uint64(waiting)})
	}
	return nil
}

// passOver reports whether work that has just left the mailbox is a canceled call, and counts it. The caller holds a.mu.
func (a *activation) passOver(w *work) bool {
	c := a.canceled
	if c == nil {
		return false
	}
	_, canceled := c.ids[wire.RequestID{Caller: w.ID.Caller, Number: w.ID.Number}]
	if canceled {
		w.CountRefused(errCallerGone)
	}
	c.left++
	for c.order.Len() > 0 && c.order.Items()[0].until <= c.left {
		delete(c.ids, c.order.Pop().id)
	}
	return canceled
}

// drain empties the mailbox. It returns what is still wanted. The caller holds a.mu.
func (a *activation) drain() []work {
	left := a.mailbox.Drain(a.host.mailboxes)
	if a.canceled == nil {
		return left
	}
	return slices.DeleteFunc(left, func(w work) bool { return a.passOver(&w) })
}

// setRunning notes the Context of the turn that ends with its caller. With nil there is none.
func (a *activation) setRunning(c *Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.canceled == nil {
		a.canceled = &canceledCalls{ids: make(map[wire.RequestID]struct{})}
	}
	a.canceled.running = c
}

// cancel ends the Context because the caller has gone.
func (c *Context) cancel() {
	_ = c.context() // there is one to end
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callerGone = true
	c.timed.cancel()
}

package actorhost

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/internal/dedup"
)

// A caller that has heard nothing asks whether its call is here, without the input: a host that is slow because it has much
// to do must not get all of it again. If the time of the question is over, so is that of the call: if it still waits, it is
// not started, and its caller is told so while there is still somebody to tell.

// answerQuestion says whether a call is here: it waits, runs, or has run and its answer is held back until its changes are
// stored. Whether it has run before is for the call itself to find out.
func (r *roster) answerQuestion(tokens string, question *call.Call, now time.Duration) {
	r.mu.Lock()
	a := r.active[tokens]
	r.mu.Unlock()
	switch name := nameOf(question.ID); {
	case a == nil || name == callName{}:
		r.out.SendAbsent(question)
	case question.Deadline <= now && a.withdraw(name):
		r.out.Refuse(question, errTooLate)
	case a.hasCall(name):
		r.out.SendPending(question)
	default:
		r.out.SendAbsent(question)
	}
}

var errTooLate = &troupe.Error{Code: troupe.CodeDeadlineExceeded, Retryable: true,
	Message: "the time of the call ran out before its turn"}

// hasCall reports whether a call is here. It looks where the call is first, first.
func (a *activation) hasCall(name callName) bool {
	a.mu.Lock()
	here := a.hasStarted(name) || a.mailbox.Find(a.host.mailboxes, name) != nil
	a.mu.Unlock()
	return here || a.gate.Holds(func(c *call.Call) bool { return nameOf(c.ID) == name })
}

// hasStarted reports whether a call is the one that runs. The caller holds a.mu.
func (a *activation) hasStarted(name callName) bool { return nameOf(a.serving) == name }

// withdraw keeps a call from starting. It reports whether the call has waited.
func (a *activation) withdraw(name callName) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.mailbox.Find(a.host.mailboxes, name)
	if w == nil || w.kind != callWork {
		return false
	}
	w.withdrawn, w.Header, w.Data = true, nil, nil
	return true
}

// callName is what the caller of a call knows it by: zero, if that says nothing.
type callName struct{ caller, number uint64 }

func nameOf(id dedup.ID) callName {
	if id.Number == 0 {
		return callName{}
	}
	return callName{id.Caller, id.Number}
}

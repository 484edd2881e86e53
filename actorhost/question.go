package actorhost

import (
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/call"
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

package actorhost

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// passesWake passes the call that wakes an actor for its own sake on to a program that has a loop for it, if this one has none.
func (a *activation) passesWake(w *work) bool {
	if a.kind.loop != nil || a.kind.workflows != nil {
		return false
	}
	passed := *w
	l := lacksAction(record.LoopPause, errs.New(troupe.CodeUnknownAction, "the actor type %q has no run loop", a.kind.name))
	l.searched = true // it may have events to send
	a.host.passOn(&passed, a.id.Tokens(), l)
	return true
}

// answerWoken answers the call that has woken an actor for its own sake: not_found, once somebody would wake it elsewhere.
func (a *activation) answerWoken(w *work) {
	loop, flow, answered := a.loop, a.flow, w.Call
	answer := func(err *troupe.Error) { a.host.refuse(&answered, a.session, err) }
	awake := errs.New(troupe.CodeNotFound, "%s is awake", a.id)
	switch {
	case a.kind.loop == nil && flow == nil:
		a.answer(w, nil, awake)
		return
	case a.kind.loop != nil && loop == nil:
		answer(errs.Unavailable("%s is awake, and its loop cannot run now", a.id))
		return
	}
	b := loop // the mark of both is one
	if b == nil {
		b = flow
	}
	ends := time.NewTimer(w.Deadline - a.host.clock.Now())
	a.host.goroutines.Go(func() {
		defer ends.Stop()
		select {
		case <-b.marked:
			answer(awake)
		case <-b.ctx.Done():
			answer(errs.Unavailable("%s changes hosts", a.id))
		case <-ends.C:
			answer(errTooLate)
		}
	})
}

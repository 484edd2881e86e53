package actorhost

import (
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/internal/errs"
)

// answer answers a call that has changed nothing. The answer waits until the changes of earlier turns are stored.
func (a *activation) answer(w *work, out []byte, err error) {
	answer := &commit.Output{Call: w.Call}
	if err != nil {
		answer.Reply = a.host.out.ErrorReply(&w.Call, w.As, errs.As(err))
	} else {
		answer.Reply = outlet.Reply(&w.Call, out)
	}
	a.gate.Pass(answer, &commit.Changes{})
}

// answerFailed answers a call whose turn has failed.
func (a *activation) answerFailed(w *work, r *result, err error) {
	a.gate.Pass(&commit.Output{
		Call: w.Call, Reply: a.host.out.ErrorReply(&w.Call, w.As, errs.As(err)), Called: r.called, Ended: r.ended,
	}, &commit.Changes{})
}

// commitTurn hands a turn's changes and output to the gate, which stores the changes before it sends the output.
func (a *activation) commitTurn(r *result, o *commit.Output) {
	for _, s := range r.direct {
		s.event.Place = s.to.nextPlace(s.event.Event, a.epoch)
	}
	r.events = append(r.events, a.applyDisconnections(r.disconnections)...)
	o.Events, o.Pushes, o.Told, o.Called = r.events, pushesOf(r.Parts), r.told, r.called
	o.Ended = r.ended
	if !r.destroyed {
		a.gate.Pass(o, &r.Changes)
		if r.schedules != nil {
			a.reschedule(r.schedules)
		}
		a.flowAgain = a.flowAgain || r.flow
		return
	}
	a.finished, a.destroyed = true, true
	a.endSnapshotReads()
	a.gone = a.gate.Destroy(o, &r.Changes)
}

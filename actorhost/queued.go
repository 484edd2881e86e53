package actorhost

import (
	"context"
	"errors"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// passesQueued passes a message on of a queue that this program does not have, so that the actor does not wake here in vain. Else
// it decodes the message, for serveQueued. It reports whether the call needs nothing more.
func (a *activation) passesQueued(w *work) bool {
	if w.Action != wire.QueuedAction {
		return false
	}
	m := new(wire.Queued)
	if err := w.As.Unmarshal(w.Data, m); err != nil {
		a.answer(w, nil, errs.New(troupe.CodeBadInput, "%s.%s: %v", a.id, w.Action, err))
		return true
	}
	if a.kind.queues[m.Queue] == nil {
		passed := *w
		a.host.passOn(&passed, a.id.Tokens(), lacksQueue(m.Queue, "", errs.New(troupe.CodeUnknownAction,
			"the actor type %q has no queue %.100q", a.kind.name, m.Queue)))
		return true
	}
	a.message = m
	return false
}

// serveQueued runs a call of wire.QueuedAction: it handles a message. One that was handled before is not run.
func (a *activation) serveQueued(w *work) {
	m := a.message
	a.message = nil
	var changes []record.Change
	var done *record.DoneMessage
	full := false
	a.gate.Read(func(p *record.Parts) {
		if found := p.Queues().Find(m.Key()); found != nil {
			copied := *found
			done = &copied
		}
		for _, id := range m.Acked {
			if p.Queues().Find(id) != nil {
				changes = append(changes, record.AckedMessage{ID: id})
			}
		}
		full = len(p.Queues().Done())-len(changes) >= record.MaxDone
	})
	if done != nil && faults.QueueDone {
		a.answerQueued(w, done.Dead)
		return
	}
	w.Mark = dedup.NewMark(w.ID, w.Action+m.Queue, nil) // whatever else is the same
	switch answer, failed, v := a.found(w); {
	case failed != nil:
		a.answer(w, nil, failed)
		return
	case v != dedup.New:
		a.answer(w, answer.Output, nil)
		return
	}
	if full {
		gone, err := a.goneMessages(w)
		if err != nil {
			a.answer(w, nil, err)
			return
		}
		changes = gone
	}
	if m.GiveUp != "" {
		a.giveUp(w, m, changes, m.GiveUp)
		return
	}
	a.runQueued(w, m, changes)
}

// handled is the change by which a message is done with.
func handled(m *wire.Queued, dead string) record.Change {
	return record.HandledMessage{DoneMessage: record.DoneMessage{ID: m.Key(), Sequence: m.Sequence, Ripe: m.Ripe, Dead: dead}}
}

// answerQueued answers for a message that was handled, or given up, before.
func (a *activation) answerQueued(w *work, dead string) {
	output, err := w.As.Append(nil, wire.QueuedReply{Dead: dead})
	a.answer(w, output, err)
}

// giveUp gives a message up. The actor's record decides: whoever hands the message over again learns that it was.
func (a *activation) giveUp(w *work, m *wire.Queued, changes []record.Change, why string) {
	if err := a.cannotWrite(turn{}); err != nil {
		a.host.refuse(&w.Call, a.session, errs.As(err))
		return
	}
	changes = append(changes, handled(m, why))
	stored := len(a.storedState())
	err := a.ensureEncoded()
	if err == nil {
		err = a.checkSize(stored, stored, changes)
	}
	output, failed := w.As.Append(nil, wire.QueuedReply{Dead: why})
	if err = errors.Join(err, failed); err != nil {
		a.answer(w, nil, err)
		return
	}
	a.gate.Pass(&commit.Output{Call: w.Call, Reply: outlet.Reply(&w.Call, output)}, &commit.Changes{Parts: changes})
}

// runQueued runs the handler of a message.
func (a *activation) runQueued(w *work, m *wire.Queued, changes []record.Change) {
	now := a.host.clock.Now()
	q := a.kind.queues[m.Queue]
	t := turnOf(w)
	t.action = m.Queue
	t.queued = &troupe.Queued{Queue: m.Queue, ID: m.ID, Attempt: m.Attempt, Pushed: time.UnixMilli(m.Pushed).UTC()}
	if faults.Fencing && !a.session.ValidAt(now) {
		a.host.refuse(&w.Call, a.session, errs.Unavailable("%v", a.session.Err()))
		return
	}
	if err := a.cannotWrite(t); err != nil {
		a.host.refuse(&w.Call, a.session, errs.As(err))
		return
	}
	reply, err := w.As.Append(nil, wire.QueuedReply{})
	if err != nil {
		a.answer(w, nil, err)
		return
	}
	result, err := a.runTurnAt(now, t, func(c *Context) error {
		for _, change := range append(changes, handled(m, "")) {
			if err := c.addChange(change); err != nil {
				return err
			}
		}
		in := input{body: m.Body, as: codec.MsgPack}
		if m.JSON {
			in.as = codec.JSON
		}
		_, err := q.run(a.state.pointer(), c, in, nil)
		return err
	})
	if err != nil && a.misread {
		passed := *w
		a.host.passOn(&passed, a.id.Tokens(), lacksQueue(m.Queue, fingerprint(q.takes), errs.As(err)))
		return
	}
	q.Count(result.took, err)
	w.Ran = true
	switch failed := errs.Find(err); {
	case err == nil:
		a.commitTurn(&result, &commit.Output{Call: w.Call, Reply: outlet.Reply(&w.Call, reply)})
	case failed != nil && (failed.FromActor || m.Last && !failed.Retryable):
		a.giveUp(w, m, changes, queues.Reason(failed))
	default:
		a.answerFailed(w, &result, err)
	}
}

// goneMessages asks which messages that the actor has handled will not come again, for want of word of the hosts that have
// acked them.
func (a *activation) goneMessages(w *work) (changes []record.Change, _ error) {
	ctx, cancel := context.WithDeadline(a.host.ctx, a.host.clock.Time(w.Deadline))
	defer cancel()
	if err := a.gate.Settle(); err != nil { // those of earlier turns are known then
		return nil, errs.Unavailable("%v", err)
	}
	if err := a.host.queues.Open(ctx); err != nil {
		return nil, errs.Unavailable("%v", err)
	}
	var done []record.DoneMessage
	a.gate.Read(func(p *record.Parts) { done = append(done, p.Queues().Done()...) })
	for _, one := range done {
		stands, err := a.host.queues.Stands(ctx, one.Sequence, one.Ripe)
		if err != nil {
			return nil, errs.Unavailable("%v", err)
		}
		if !stands {
			changes = append(changes, record.AckedMessage{ID: one.ID})
		}
	}
	if len(changes) == 0 {
		return nil, errs.Unavailable("%s: %w", a.id, errTooManyDone)
	}
	return changes, nil
}

var errTooManyDone = errors.New("as many messages that it has handled may come again as it can keep in mind")

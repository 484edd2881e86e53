package actorhost

import (
	"context"
	"errors"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
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
	done, full := false, false
	a.gate.Read(func(p *record.Parts) {
		done = p.Queues().Has(m.ID)
		for _, id := range m.Acked {
			if p.Queues().Has(id) {
				changes = append(changes, record.AckedMessage{ID: id})
			}
		}
		full = len(p.Queues().Done())-len(changes) >= record.MaxDone
	})
	if done && faults.QueueDone {
		a.answer(w, nil, nil)
		return
	}
	w.Mark = dedup.NewMark(w.ID, w.Action+m.Queue, nil) // whatever else is the same
	switch _, failed, v := a.found(w); {
	case failed != nil:
		a.answer(w, nil, failed)
		return
	case v != dedup.New:
		a.answer(w, nil, nil)
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
	handled := record.HandledMessage{DoneMessage: record.DoneMessage{ID: m.ID, Sequence: m.Sequence, Ripe: m.Ripe}}
	a.runQueued(w, m, append(changes, handled))
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
	result, err := a.runTurnAt(now, t, func(c *Context) error {
		for _, change := range changes {
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
	if err != nil {
		a.answerFailed(w, &result, err)
		return
	}
	a.commitTurn(&result, &commit.Output{Call: w.Call, Reply: outlet.Reply(&w.Call, nil)})
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

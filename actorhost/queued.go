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

// maxQueuedTime is after how long messages let other calls of the actor run.
const maxQueuedTime = 100 * time.Millisecond

// passesQueued passes messages on of a queue that this program does not have, so that the actor does not wake here in vain. Else
// it decodes them, for serveQueued. It reports whether the call needs nothing more.
func (a *activation) passesQueued(w *work) bool {
	if w.Action != wire.QueuedAction {
		return false
	}
	batch := new(wire.QueuedBatch)
	if err := w.As.Unmarshal(w.Data, batch); err != nil {
		a.answer(w, nil, errs.New(troupe.CodeBadInput, "%s.%s: %v", a.id, w.Action, err))
		return true
	}
	if a.kind.queues[batch.Queue] == nil {
		passed := *w
		a.host.passOn(&passed, a.id.Tokens(), lacksQueue(batch.Queue, "", errs.New(troupe.CodeUnknownAction,
			"the actor type %q has no queue %.100q", a.kind.name, batch.Queue)))
		return true
	}
	a.messages = batch
	return false
}

// serveQueued runs a call of wire.QueuedAction: it handles messages, each in a turn. As always, the answer waits until what they have
// changed is stored.
func (a *activation) serveQueued(w *work) {
	handed := *w // a copy, so that not every call escapes to the heap
	h := handover{activation: a, call: &handed, batch: a.messages, queue: a.kind.queues[a.messages.Queue]}
	a.messages = nil
	if h.batch.Bell != nil {
		(&inOrder{handover: h}).serve()
		return
	}
	h.note, h.output = noteHandled, h.repliesWith
	began := a.host.clock.Now()
	for i := range h.batch.Messages {
		if i > 0 && (a.finished || a.host.clock.Now()-began > maxQueuedTime) {
			break
		}
		a.misread = false
		reply := h.handle(&h.batch.Messages[i])
		switch {
		case a.destroyed: // with which the call was answered
			return
		case a.misread && i == 0:
			passed := *w
			a.host.passOn(&passed, a.id.Tokens(), lacksQueue(h.batch.Queue, fingerprint(h.queue.takes), reply.Err()))
			return
		case a.misread: // it is to come as the first of another call
			a.answerQueued(w, h.replies)
			return
		}
		h.replies = append(h.replies, reply)
	}
	a.answerQueued(w, h.replies)
}

func (a *activation) answerQueued(w *work, replies []wire.QueuedReply) {
	output, err := w.As.Append(nil, replies)
	a.answer(w, output, err)
}

// handover is a call that hands messages over.
type handover struct {
	*activation

	call    *work
	batch   *wire.QueuedBatch
	queue   *queueHandler
	replies []wire.QueuedReply
	note    func(m *wire.Queued, dead string) record.Change // that a message is done with
	output  func(handled wire.QueuedReply) any              // of the call, when the actor is gone after a message
}

func (h *handover) repliesWith(handled wire.QueuedReply) any { return append(h.replies, handled) }

// asCall is the call as if a message had come in one of its own.
func (h *handover) asCall(m *wire.Queued) work {
	w := *h.call
	w.Reply, w.ID = "", dedup.ID{Given: wire.QueuedRequest(h.batch.Queue, m)}
	w.Mark = dedup.NewMark(w.ID, w.Action, nil)
	return w
}

// handle handles a message, unless it was handled or given up before.
func (h *handover) handle(m *wire.Queued) wire.QueuedReply {
	changes, done, full := h.look(m)
	if done != nil && faults.QueueDone {
		return wire.QueuedReply{Dead: done.Dead}
	}
	w := h.asCall(m)
	switch answer, failed, v := h.found(&w); {
	case failed != nil:
		return wire.QueuedFailure(failed)
	case v != dedup.New:
		var reply wire.QueuedReply
		_ = codec.MsgPack.Unmarshal(answer.Output, &reply) // without an output it was handled
		return reply
	}
	if full {
		var err error
		if changes, err = h.goneMessages(&w); err != nil {
			return wire.QueuedFailure(errs.As(err))
		}
	}
	if m.GiveUp != "" {
		return h.giveUp(&w, m, changes, m.GiveUp)
	}
	return h.run(&w, m, changes)
}

// look looks for a message among those that the actor has in mind. Changes are those by which it forgets some; full says that there
// is no room for one more.
func (h *handover) look(m *wire.Queued) (changes []record.Change, done *record.DoneMessage, full bool) {
	h.gate.Read(func(p *record.Parts) {
		if found := p.Queues().Find(m.Key()); found != nil {
			copied := *found
			done = &copied
		}
		for _, id := range h.batch.Acked {
			if p.Queues().Find(id) != nil {
				changes = append(changes, record.AckedMessage{ID: id})
			}
		}
		full = len(p.Queues().Done())-len(changes) >= record.MaxDone
	})
	return changes, done, full
}

// run runs the handler of a message, unless it has ended too many hosts.
func (h *handover) run(w *work, m *wire.Queued, changes []record.Change) wire.QueuedReply {
	begun, err := h.begin(w.ID.Given, m.Again || h.call.Again, h.queue.retries.Hosts)
	if tooOften := (*endsHostsError)(nil); errors.As(err, &tooOften) {
		return h.giveUp(w, m, append(changes, record.EndRun{What: w.ID.Given}), tooOften.Error())
	}
	if err != nil {
		return wire.QueuedFailure(errs.As(err))
	}
	defer begun.over()
	reply := h.runBegun(w, m, append(changes, begun.ended()...))
	if reply != (wire.QueuedReply{}) {
		begun.failed()
	}
	return reply
}

// runBegun runs the handler of a message.
func (h *handover) runBegun(w *work, m *wire.Queued, changes []record.Change) wire.QueuedReply {
	now := h.host.clock.Now()
	t := turnOf(w)
	t.kind, t.action, t.counters = wire.TurnQueue, h.batch.Queue, &h.queue.Counters
	t.queued = &troupe.Queued{Queue: h.batch.Queue, ID: m.ID, Attempt: m.Attempt, Pushed: time.UnixMilli(m.Pushed).UTC()}
	if t.header = nil; wire.IsTraceParent(m.Trace) { // what hosts hand over among themselves carries nothing
		t.header = wire.Header{{Name: troupe.HeaderTraceParent, Value: m.Trace}}
	}
	if faults.Fencing && !h.session.ValidAt(now) {
		return wire.QueuedFailure(errs.Unavailable("%v", h.session.Err()))
	}
	if err := h.cannotWrite(t); err != nil {
		return wire.QueuedFailure(errs.As(err))
	}
	result, err := h.runTurnAt(now, t, func(c *Context) error {
		for _, change := range append(changes, h.note(m, "")) {
			if err := c.addChange(change); err != nil {
				return err
			}
		}
		in := input{body: m.Body, as: codec.MsgPack}
		if m.JSON {
			in.as = codec.JSON
		}
		_, err := h.queue.run(h.state.pointer(), c, in, nil)
		return err
	})
	if err != nil && h.misread {
		return wire.QueuedFailure(errs.As(err))
	}
	switch failed := errs.Find(err); {
	case err == nil:
		return h.commit(w, &result)
	case failed != nil && (failed.FromActor || m.Last && !failed.Retryable):
		return h.giveUp(w, m, changes, queues.Reason(failed))
	default:
		return wire.QueuedFailure(errs.As(err))
	}
}

// commit stores what a turn has changed. If that has destroyed the actor, it answers the call.
func (h *handover) commit(w *work, r *result) (handled wire.QueuedReply) {
	o := &commit.Output{Call: w.Call}
	if r.destroyed {
		output, _ := h.call.As.Append(nil, h.output(handled)) // which cannot fail
		o.Call, o.Reply = h.call.Call, outlet.Reply(&h.call.Call, output)
	}
	h.commitTurn(r, o)
	return handled
}

// noteHandled is the change by which a message is done with.
func noteHandled(m *wire.Queued, dead string) record.Change {
	return record.HandledMessage{DoneMessage: record.DoneMessage{ID: m.Key(), Sequence: m.Sequence, Ripe: m.Ripe, Dead: dead}}
}

// giveUp gives a message up. The actor's record decides: whoever hands the message over again learns that it was.
func (h *handover) giveUp(w *work, m *wire.Queued, changes []record.Change, why string) wire.QueuedReply {
	reply := wire.QueuedReply{Dead: why}
	changes = append(changes, h.note(m, why))
	err := h.checkChanges(changes)
	output, failed := codec.MsgPack.Append(nil, reply)
	if err = errors.Join(err, failed); err != nil {
		return wire.QueuedFailure(errs.As(err))
	}
	w.As = codec.MsgPack
	h.gate.Pass(&commit.Output{Call: w.Call, Reply: wire.Message{Data: output}}, &commit.Changes{Parts: changes})
	return reply
}

// goneMessages asks which messages that the actor has handled will not come again, for want of word of the hosts that have
// acked them.
func (h *handover) goneMessages(w *work) (changes []record.Change, _ error) {
	ctx, cancel := context.WithDeadline(h.host.ctx, h.host.clock.Time(w.Deadline))
	defer cancel()
	if err := h.gate.Settle(); err != nil { // those of earlier turns are known then
		return nil, errs.Unavailable("%v", err)
	}
	if err := h.host.queues.Open(ctx); err != nil {
		return nil, errs.Unavailable("%v", err)
	}
	var done []record.DoneMessage
	h.gate.Read(func(p *record.Parts) { done = append(done, p.Queues().Done()...) })
	for _, one := range done {
		stands, err := h.host.queues.Stands(ctx, one.Sequence, one.Ripe)
		if err != nil {
			return nil, errs.Unavailable("%v", err)
		}
		if !stands {
			changes = append(changes, record.AckedMessage{ID: one.ID})
		}
	}
	if len(changes) == 0 {
		return nil, errs.Unavailable("%s: %w", h.id, errTooManyDone)
	}
	return changes, nil
}

var errTooManyDone = errors.New("as many messages that it has handled may come again as it can keep in mind")

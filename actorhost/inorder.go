package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// inOrder is a call that tells of messages in a queue that is in order. The actor reads them itself, from its place on, as it does
// with durable events.
type inOrder struct {
	handover
	passed wire.Passed
	next   store.Waiting // the message at hand
}

// serve runs the call. As always, the answer waits until what the messages have changed is stored.
func (o *inOrder) serve() {
	ctx, cancel := context.WithDeadline(o.host.ctx, o.host.clock.Time(o.call.Deadline))
	defer cancel()
	o.note, o.output = o.noteNext, o.passedWith
	misread, err := o.catchUp(ctx)
	switch {
	case o.destroyed: // with which the call was answered
	case misread != nil && len(o.passed.Done) == 0:
		passed := *o.call
		l := lacksQueue(o.batch.Queue, fingerprint(o.queue.takes), misread)
		l.searched = true
		o.host.passOn(&passed, o.id.Tokens(), l)
	case err != nil && len(o.passed.Done) == 0:
		o.answer(o.call, nil, err)
	default:
		place := o.place()
		o.passed.Sequence, o.passed.Stored = place.Sequence, place.Stored
		o.passed.More = o.passed.More || misread != nil || err != nil
		output, err := o.call.As.Append(nil, o.passed)
		o.answer(o.call, output, err)
	}
}

func (o *inOrder) place() (place record.Place) {
	o.gate.Read(func(p *record.Parts) { place = p.InOrder().Place(o.batch.Queue) })
	return place
}

// catchUp handles the next messages, until there are no more, one must wait, or others have waited for long enough. If this program
// cannot read one, misread says so.
func (o *inOrder) catchUp(ctx context.Context) (misread *troupe.Error, _ error) {
	began, place, bell := o.host.clock.Now(), o.place(), o.batch.Bell
	again := bell.Again || o.call.Again // what the answer said that was lost is to be said again
	if bell.Sequence > 0 && !again && place.Has(bell.Sequence, bell.Stored) {
		return nil, nil
	}
	from := place.Sequence + 1
	switch {
	case !faults.InOrder:
		from, place = bell.Sequence, record.Place{}
	case again || bell.Sequence < from: // perhaps it is another stream
		from = 1
	}
	if err := o.host.queues.OpenInOrder(ctx); err != nil {
		return nil, errs.Unavailable("%v", err)
	}
	waiting, more, err := o.host.queues.Waiting(ctx, o.id, o.batch.Queue, from)
	if err != nil {
		return nil, errs.Unavailable("%v", err)
	}
	o.passed.More = more
	left := false // whoever was to delete what is done with has not, and is to do so first
	for _, next := range waiting {
		if place = o.place(); faults.InOrder && place.Has(next.Sequence, next.Stored.UnixNano()) {
			o.passed.Done, left = append(o.passed.Done, next.Sequence), true
			continue
		}
		if late := o.host.clock.Now()-began > maxQueuedTime; late || left && again {
			o.passed.More = true
			return nil, nil
		}
		o.next = next
		if goOn, misread, err := o.handleNext(ctx, place.Head); !goOn || misread != nil || err != nil {
			return misread, err
		}
		o.passed.Done = append(o.passed.Done, next.Sequence)
		if o.finished {
			return nil, nil
		}
	}
	return nil, nil
}

// handleNext handles the next message, unless it was handled before, or must wait. It reports whether it is done with.
func (o *inOrder) handleNext(ctx context.Context, head *record.Head) (goOn bool, misread *troupe.Error, err error) {
	m, attempts, now := &o.next, 0, o.host.queues.Now()
	if m.ID == o.batch.Bell.Skip {
		return true, nil, o.skip(ctx, head)
	}
	if at := m.NotBefore(); at.After(now) {
		o.waitUntil(at.UnixMilli()+1, 0, "")
		return false, nil, nil
	}
	if head.Is(m.Sequence, m.Stored.UnixNano()) {
		attempts = head.Attempts
		switch {
		case head.Dead:
			return true, nil, o.bury(ctx, attempts, head.Failure)
		case head.Until > now.UnixMilli():
			o.waitUntil(head.Until, attempts, head.Failure)
			return false, nil, nil
		}
	}
	in := o.nextQueued(attempts + 1)
	w := o.asCall(&in)
	switch _, failed, v := o.found(&w); {
	case failed != nil:
		return false, nil, failed
	case v != dedup.New: // another with its name came before
		return true, nil, o.pass()
	}
	o.misread = false
	reply := o.run(&w, &in, nil)
	failed := reply.Err()
	switch {
	case o.destroyed:
		return false, nil, nil
	case reply.Dead != "":
		return true, nil, o.bury(ctx, attempts+1, reply.Dead)
	case failed == nil:
		return true, nil, nil
	case o.misread && !o.call.searched:
		return false, failed, nil
	case failed.Retryable:
		return false, nil, failed
	}
	return false, nil, o.failed(attempts+1, failed)
}

// nextQueued is the next message as the handler gets it.
func (o *inOrder) nextQueued(attempt int) wire.Queued {
	m := &o.next
	as, err := m.Codec()
	if err != nil { // nobody can read it, and the handler says so
		as = codec.JSON
	}
	return wire.Queued{
		ID: m.ID, Life: m.Life(), Sequence: m.Sequence, Attempt: attempt, Pushed: m.Pushed().UnixMilli(),
		JSON: as == codec.JSON, Again: o.batch.Bell.Lost, Body: m.Data, Last: attempt >= o.queue.retries.Attempts,
	}
}

// noteNext is the change by which the next message is done with, or is to be a dead letter.
func (o *inOrder) noteNext(m *wire.Queued, dead string) record.Change {
	if dead == "" {
		return record.PassedMessage{Queue: o.batch.Queue, Sequence: m.Sequence, Stored: o.next.Stored.UnixNano()}
	}
	return o.headChange(record.Head{Attempts: m.Attempt, Failure: dead, Dead: true})
}

func (o *inOrder) headChange(h record.Head) record.Change {
	h.Sequence, h.Stored = o.next.Sequence, o.next.Stored.UnixNano()
	return record.FailedMessage{Queue: o.batch.Queue, Head: h}
}

func (o *inOrder) passedWith(wire.QueuedReply) any {
	o.passed.Done, o.passed.More = append(o.passed.Done, o.next.Sequence), true
	return o.passed
}

// change makes a change of no turn.
func (o *inOrder) change(c record.Change) error {
	if err := o.checkChanges([]record.Change{c}); err != nil {
		return err
	}
	o.gate.Pass(&commit.Output{}, &commit.Changes{Parts: []record.Change{c}})
	return nil
}

// pass passes the next message over.
func (o *inOrder) pass() error {
	return o.change(record.PassedMessage{Queue: o.batch.Queue, Sequence: o.next.Sequence, Stored: o.next.Stored.UnixNano()})
}

// bury makes the next message a dead letter, as the record says already, and passes it over.
func (o *inOrder) bury(ctx context.Context, attempts int, why string) error {
	if err := o.gate.Settle(); err != nil {
		return errs.Unavailable("%v", err)
	}
	faults.At(faults.BeforeMove)
	if err := o.host.queues.Bury(ctx, o.next.Dead(attempts, why)); err != nil {
		return errs.Unavailable("%v", err)
	}
	faults.At(faults.AfterMove)
	o.passed.Dead = append(o.passed.Dead, wire.Dead{ID: o.next.ID, Attempts: attempts, Why: why})
	return o.pass()
}

// skip makes the next message a dead letter because somebody wants that.
func (o *inOrder) skip(ctx context.Context, head *record.Head) error {
	dead := record.Head{Failure: "an operator has skipped it", Dead: true}
	if head.Is(o.next.Sequence, o.next.Stored.UnixNano()) {
		if dead.Attempts = head.Attempts; head.Failure != "" {
			dead.Failure += "; it had failed: " + head.Failure
		}
	}
	if err := o.change(o.headChange(dead)); err != nil {
		return err
	}
	return o.bury(ctx, dead.Attempts, dead.Failure)
}

// failed has the next message tried again later, with all that wait for it.
func (o *inOrder) failed(attempts int, err *troupe.Error) error {
	until, why := o.host.queues.Now().Add(o.queue.retries.After(attempts)).UnixMilli(), queues.Reason(err)
	o.waitUntil(until, attempts, why)
	return o.change(o.headChange(record.Head{Attempts: attempts, Until: until, Failure: why}))
}

func (o *inOrder) waitUntil(at int64, attempts int, why string) {
	o.passed.Until, o.passed.Attempts, o.passed.Failure, o.passed.More = at, attempts, why, false
}

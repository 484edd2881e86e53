package queues

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

const (
	// deletesAtOnce is how many messages that are done with are deleted at a time.
	deletesAtOnce = 32
	// lagPause is the first pause when an actor does not find what a bell tells of: the replica that it has asked may lag. It
	// doubles so often.
	lagPause, maxLags = 10 * time.Millisecond, 6
)

// hear takes a bell, and does not wait for what becomes of it.
func (p *Puller) hear(m *message) {
	p.lines.hold(m)
	if p.config.UntilStop.Err() != nil {
		p.giveBack(m)
		return
	}
	l, start, held, crowded := p.bells.add(m, p.config.Queues.Now())
	switch {
	case start:
		p.running.Go(func() { p.tellAll(l) })
	case held:
	case crowded:
		p.move(m, func(m *message) { p.ring(l, []*message{m}, p.config.Queues.Now().Add(leastWait), &wire.Passed{}) })
	default:
		p.lines.drop(m)
		m.Ack()
	}
}

// tellAll tells an actor of its messages until no bells are left.
func (p *Puller) tellAll(l *bellLine) {
	for {
		more := true
		p.atATime(func() {
			held := p.bells.take(l, p.config.Queues.Now())
			if more = held != nil; more {
				p.tell(l, held)
			}
		})
		if !more {
			return
		}
	}
}

// tell tells an actor of its messages, and sees to what becomes of the bells.
func (p *Puller) tell(l *bellLine, held []*message) {
	if p.config.UntilStop.Err() != nil {
		p.bells.done(l, held)
		for _, m := range held {
			p.giveBack(m)
		}
		return
	}
	began := time.Now()
	passed, err := p.callTold(l, held)
	if l.again = time.Since(began) > patience && len(passed.Done) > 0; l.again { // what has their sequences may be others by now
		return // to ask once more
	}
	if err == nil {
		err = p.delete(passed, held)
	}
	now := p.config.Queues.Now()
	switch {
	case err != nil:
		failed := errs.As(err)
		p.config.Faults.Failed(waiting, store.Cause(err), failed, held[0].about()...)
		p.ring(l, held, now.Add(waitAgain(l.waits)), &wire.Passed{})
		l.waits++
		return
	case passed.Until > 0:
		p.ring(l, held, time.UnixMilli(passed.Until), passed)
		return
	}
	p.config.Faults.Works(waiting)
	var done []*message
	for _, m := range held {
		if m.ripe || passed.Has(m.Sequence, m.Stored.UnixNano()) {
			done = append(done, m)
		}
	}
	switch {
	case passed.More:
		if len(done) == len(held) {
			done = done[1:] // somebody must go on if this host dies
		}
	case len(done) < len(held) && l.waits < maxLags:
		pause.For(p.config.UntilStop, lagPause<<l.waits)
		l.waits++
		return
	case len(done) < len(held):
		p.ring(l, held, now.Add(leastWait), &wire.Passed{})
		return
	}
	l.waits = 0
	p.bells.done(l, done)
	faults.At(faults.BeforeMessageAck)
	p.ack(done...)
}

// callTold calls the actor. If there is none, it is created for a message that may create it; others become dead letters.
func (p *Puller) callTold(l *bellLine, held []*message) (*wire.Passed, error) {
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, p.config.Handling(l.actor.Type(), l.queue).Timeout+callExtra)
	defer cancel()
	bell := &wire.Bell{Again: l.again}
	for _, m := range held {
		bell.Again = bell.Again || m.ripe || m.Delivered > 1
		bell.Lost = bell.Lost || m.Delivered > 1
		if !m.ripe {
			bell.Sequence, bell.Stored = m.Sequence, m.Stored.UnixNano()
		}
	}
	var passed wire.Passed
	call := troupe.Invocation{
		ID: l.actor, Action: wire.QueuedAction, Existing: true, In: wire.QueuedBatch{Queue: l.queue, Bell: bell}, Out: &passed,
	}
	err := p.config.Call(ctx, call)
	if !errors.Is(err, troupe.ErrNotFound) {
		p.tellDead(l, &passed)
		return &passed, err
	}
	waiting, _, err := p.config.Queues.Waiting(ctx, l.actor, l.queue, 1)
	switch {
	case err != nil:
		return &passed, err
	case len(waiting) == 0:
		return &passed, nil
	case !waiting[0].Existing():
		call.Existing = false
		err := p.config.Call(ctx, call)
		p.tellDead(l, &passed)
		return &passed, err
	}
	why := Reason(errs.New(troupe.CodeNotFound, "there is no actor %s", l.actor))
	if err := p.config.Queues.Bury(ctx, waiting[0].Dead(1, why)); err != nil {
		return &passed, err
	}
	passed.More, passed.Done = true, []uint64{waiting[0].Sequence}
	passed.Dead = []wire.Dead{{ID: waiting[0].ID, Attempts: 1, Why: why}}
	p.tellDead(l, &passed)
	return &passed, nil
}

// tellDead counts and logs what was given up.
func (p *Puller) tellDead(l *bellLine, passed *wire.Passed) {
	for _, dead := range passed.Dead {
		p.gaveUp(about(l.actor, l.queue, dead.ID), dead.Attempts, dead.Why)
	}
}

// delete deletes messages that are done with: those of which the actor says so, and those of the bells. Another host may have been to
// delete these, and be dead, and a server that was restarted does not say that it has told of them before.
func (p *Puller) delete(passed *wire.Passed, held []*message) error {
	sequences := passed.Done
	for _, m := range held {
		if !m.ripe && passed.Has(m.Sequence, m.Stored.UnixNano()) && !slices.Contains(passed.Done, m.Sequence) {
			sequences = append(sequences, m.Sequence)
		}
	}
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, moveTimeout)
	defer cancel()
	var all errgroup.Group
	all.SetLimit(deletesAtOnce)
	for _, sequence := range sequences {
		all.Go(func() error { return p.config.Queues.Delete(ctx, sequence) })
	}
	return all.Wait()
}

// ring has somebody tell the actor at a time, and acks bells then.
func (p *Puller) ring(l *bellLine, held []*message, at time.Time, passed *wire.Passed) {
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, moveTimeout)
	defer cancel()
	faults.At(faults.BeforeMove)
	head := &store.Message{Actor: l.actor, Queue: l.queue, Stored: p.config.Queues.Now()}
	rings, err := p.config.Queues.Ring(ctx, head.With(passed.Attempts, 0, passed.Failure), at)
	p.bells.done(l, held)
	if err != nil {
		p.config.Faults.Failed(moving, store.Cause(err), err, held[0].about()...)
		for _, m := range held {
			p.lines.drop(m)
			m.Nak(moveAgain)
		}
		return
	}
	p.config.Faults.Works(moving)
	p.bells.stands(l, rings)
	faults.At(faults.AfterMove)
	p.ack(held...)
}

// enter puts a message that has waited into its queue, which is in order.
func (p *Puller) enter(m *message) {
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, moveTimeout)
	defer cancel()
	switch err := p.config.Queues.Enter(ctx, m.Message); {
	case err == nil:
		p.config.Faults.Works(moving)
		p.ack(m)
	case errors.Is(err, store.ErrQueueFull):
		p.waits(m, waitAgain(m.Waits()))
	default:
		p.config.Faults.Failed(moving, store.Cause(err), err, m.about()...)
		p.lines.drop(m)
		m.Nak(moveAgain)
	}
}

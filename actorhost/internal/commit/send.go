package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// end is the last event of a name and actor in the log.
type end struct {
	position troupe.Position
	sequence uint64
}

// sendReleased sends the outputs that are released, in order, until there are no more. The caller has set g.sending, so
// that nobody else does. Durable events take a while: from the first on, a goroutine of its own goes on. More says that
// others are about to send.
func (g *Gate) sendReleased(more bool) {
	for batch := g.nextReleased(nil); len(batch) > 0; batch = g.nextReleased(batch) {
		now := g.host.Now()
		for i := range batch {
			o := &batch[i]
			g.host.countHeld(o, now)
			if o.isDurable() {
				rest := batch[i:]
				g.host.Go(func() { g.sendDurable(rest) })
				return
			}
			_ = g.send(o, more || i < len(batch)-1) // fails only with durable events
		}
	}
}

// sendDurable is sendReleased on a goroutine of its own, with some that it is to begin with.
func (g *Gate) sendDurable(batch []Output) {
	for begun := true; len(batch) > 0; batch = g.nextReleased(batch) {
		now := g.host.Now()
		for i := range batch {
			if !begun || i > 0 {
				g.host.countHeld(&batch[i], now)
			}
			if err := g.send(&batch[i], i < len(batch)-1); err != nil {
				g.giveUp(batch[i:], err)
				return
			}
		}
		begun = false
	}
}

// countHeld counts how long an output was held back.
func (h *Host) countHeld(o *Output, now time.Duration) {
	if o.Ended != 0 {
		h.Stored.Add(now - o.Ended)
		o.Ended = now
	}
}

// nextReleased takes all that is released, in exchange for memory, or ends the sending when there is nothing.
func (g *Gate) nextReleased(done []Output) []Output {
	clear(done)
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.outputs()
	if done != nil {
		h.spare = done[:0]
	}
	batch := h.released
	if len(batch) == 0 {
		g.sending = false
		g.holdNothing()
		g.moved.broadcast()
		return nil
	}
	h.released, h.spare = h.spare, nil
	g.moved.broadcast() // there is room
	return batch
}

// send sends an output. What the reply says is true in any case, for its turn began under the lease. It fails when a
// durable event, or a message that was pushed, does not get into its stream.
func (g *Gate) send(o *Output, more bool) error {
	for _, e := range o.Events {
		if !e.Durable {
			g.actor.Publish(e)
			continue
		}
		if err := g.keep(g.host.Ctx, e.Emitted()); err != nil {
			return err
		}
		g.mu.Lock()
		g.parts.Outbox().Kept()
		g.mu.Unlock()
	}
	if len(o.Pushes) > 0 {
		if err := g.host.push(g.host.Ctx, g.actor, o.Pushes); err != nil {
			return err
		}
		g.mu.Lock()
		for range o.Pushes {
			g.parts.Pushes().Sent()
		}
		g.mu.Unlock()
	}
	for _, send := range o.Told {
		send()
	}
	faults.At(faults.BeforeReply)
	g.actor.Reply(o.Reply, more)
	o.Call.CountAnswered(o.Ended)
	if o.Done != nil {
		o.Done(nil)
	}
	return nil
}

// giveUp ends the activation because an event, or a message, does not get into its stream. What the outputs tell of, and those behind
// them, is stored: their callers get the answers from the next activation, which goes on with the events.
func (g *Gate) giveUp(outputs []Output, err error) {
	g.failed(keeping, err)
	err = fmt.Errorf("an event or a message could not be kept: %w", err)
	g.mu.Lock()
	h := g.held
	h.flying = slices.Concat(outputs, h.released, h.flying)
	h.released, g.sending = nil, false
	dropped := g.shut(err) // before anybody else can send, for no event may get into the log before this one
	g.mu.Unlock()
	g.dismiss(dropped, err, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err))
}

// SendLeft gets the events and messages into their streams that an earlier activation has left.
func (g *Gate) SendLeft(ctx context.Context) error {
	for {
		first, ok := g.parts.Outbox().First()
		if !ok {
			return g.host.pushLeft(ctx, g.actor, g.parts.Pushes())
		}
		if err := g.keep(ctx, first); err != nil {
			return err
		}
		g.parts.Outbox().Kept()
	}
}

// keep gets an event into the log, unless it is there. Events follow each other by compare-and-set, so that none gets
// there twice, or before an earlier one, whoever else is at it.
func (g *Gate) keep(ctx context.Context, e record.Emitted) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	log, _, err := g.host.Log.Open(ctx)
	if err != nil {
		return err
	}
	if g.ends == nil {
		g.ends = make(map[string]end, 1)
	}
	for id := g.actor.ID(); ; {
		if faults.Fencing && !g.actor.Valid() {
			return g.actor.NoLease()
		}
		last, known := g.ends[e.Event]
		if !known {
			last.position, last.sequence, err = log.Last(ctx, id, e.Event)
		}
		if err == nil && !last.position.Before(troupe.Position(e.Position)) {
			g.ends[e.Event] = last
			return nil
		}
		if err == nil {
			last.sequence, err = log.Append(ctx, id, e, last.sequence)
		}
		if err == nil {
			g.host.Faults.Works(keeping)
			g.ends[e.Event] = end{troupe.Position(e.Position), last.sequence}
			return nil
		}
		delete(g.ends, e.Event) // perhaps it is there all the same
		if store.Lasts(err) {
			return err
		}
		if !errors.Is(err, store.ErrConflict) && !pause.For(ctx, keepAgain) {
			return err
		}
		err = nil
	}
}

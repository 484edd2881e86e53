package commit

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// ask is whether a write is wanted, and of which kind.
type ask struct {
	wanted, journal bool
	alarm           *alarm // that is to be set before
}

// ask has the newest state stored, unless that is under way. The caller holds g.mu, and calls write once it has let it go.
func (g *Gate) ask() ask {
	if g.closed != nil || !g.dirty || g.asked || g.ending {
		return ask{}
	}
	g.asked = true
	if alarm := g.lacksAlarm(); alarm != nil && faults.AlarmFirst {
		g.shared = true // who hears the alarm reads the record
		return ask{wanted: true, alarm: alarm}
	}
	return ask{wanted: true, journal: !g.shared}
}

// write requests the write that was asked for, if one was.
func (g *Gate) write(a ask) {
	if !a.wanted {
		return
	}
	if g.request == nil { // a turn asks for the first write, so nobody else looks at it yet
		g.request = &store.Write{ID: g.actor.ID(), Take: g.take, Done: g.written}
	}
	if a.alarm != nil {
		g.setAlarm(a.alarm)
		return
	}
	if !faults.ItemsLast && g.sendItemsFirst(a) {
		return
	}
	if err := g.actor.Write(*g.request, a.journal); err != nil {
		g.close(err, err)
	}
}

// take is told that the write is about to be sent. What turns change from now on is for the next one.
func (g *Gate) take(journal bool) (record.Record, bool) {
	valid := !faults.Fencing || g.actor.Valid()
	write := record.Record{Owner: g.actor.Host(), Epoch: g.actor.Epoch(), Created: true}
	g.mu.Lock()
	switch {
	case g.closed != nil:
		g.mu.Unlock()
		return record.Record{}, false
	case journal && g.shared, faults.AlarmFirst && g.lacksAlarm() != nil:
		g.asked = false
		ask := g.ask()
		g.mu.Unlock()
		g.write(ask)
		return record.Record{}, false
	case !valid:
		g.mu.Unlock()
		g.close(g.actor.NoLease(), nil)
		return record.Record{}, false
	case g.state == nil:
		g.mu.Unlock()
		g.close(errNoState, nil)
		return record.Record{}, false
	}
	defer faults.At(faults.BeforeCommit)
	defer g.mu.Unlock()
	write.State, write.Revision = g.state, g.revision
	if g.parts != nil {
		g.parts.Fill(&write)
		g.emitted = hasEvents(g.parts)
		g.parts.Answers().Taken()
		g.parts.Items().Taken()
	}
	g.writing, g.dirty, g.shared = true, false, false
	if h := g.held; h != nil {
		h.flying, h.next = h.next, h.flying[:0]
	}
	g.record = &write
	return write, true
}

// written is told how a write has ended.
func (g *Gate) written(o store.Outcome) {
	switch err := o.Err; {
	case err == nil:
	case g.host.Ctx.Err() != nil: // given up
		g.fail(err, err)
		return
	case !faults.Fencing && errors.Is(err, store.ErrConflict), isUnknown(err):
		g.host.Go(func() { g.resolve(err) })
		return
	default:
		g.fail(err, err)
		return
	}
	faults.At(faults.AfterCommit)
	g.host.Faults.Works(storing)
	g.mu.Lock()
	if g.closed != nil { // meanwhile, and who waited for the write was told that its outcome is not known
		g.mu.Unlock()
		if o.Segment != nil {
			o.Segment.Leave()
		}
		return
	}
	segment := g.flushed(o.Segment)
	g.keepSnapshot(g.record.State) // before anybody can send what is released now
	size := int64(len(g.record.State))
	grown := size - g.size
	g.revision, g.size, g.asked, g.writing, g.record = o.Revision, size, false, false, nil
	mine := false
	if h := g.held; h != nil && len(h.flying) > 0 {
		h.released = append(h.released, h.flying...)
		clear(h.flying)
		h.flying = h.flying[:0]
		mine = !g.sending
		g.sending = true
	}
	ask := g.ask()
	g.parts.Answers().Stored()
	g.parts.Items().Stored()
	block, items := g.nextBlock(), g.nextItems()
	g.moved.broadcast()
	g.mu.Unlock()
	g.actor.Grown(grown)
	if mine {
		g.sendReleased(o.More)
	}
	g.archive(block)
	g.sendItems(items)
	g.settleSegment(segment)
	if !faults.AlarmFirst {
		g.setAlarmLate()
	}
	g.write(ask)
}

func isUnknown(err error) bool { return errors.Is(err, store.ErrOutcomeUnknown) }

// resolve finds out whether a write that was not answered is stored, by making it again: either this one is stored, and
// the first can be no more, or the record tells. Only this activation writes with its epoch, and one write at a time.
func (g *Gate) resolve(unknown error) {
	g.mu.Lock()
	if g.closed != nil { // meanwhile, and nobody waits for the write
		g.mu.Unlock()
		return
	}
	write := *g.record
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(g.host.Ctx, resolveTimeout)
	defer cancel()
	for id := g.actor.ID(); ctx.Err() == nil && (g.actor.Lasts() || !faults.Fencing); {
		if faults.Fencing && !g.actor.Valid() { // it is disconnected
			pause.For(ctx, resolveAgain)
			continue
		}
		found, err := g.host.Store.Get(ctx, id)
		switch {
		case store.Lasts(err):
			g.failUnknown(unknown, err)
			return
		case err != nil:
		case found.Revision != write.Revision && bytes.Equal(found.Append(nil), write.Append(nil)):
			g.written(store.Outcome{Revision: found.Revision})
			return
		case found.Revision != write.Revision && faults.Fencing:
			g.fail(unknown, store.ErrConflict)
			return
		default:
			write.Revision = found.Revision // the same, as long as writes are fenced
			revision, err := g.host.Store.Put(ctx, id, write)
			switch {
			case err == nil:
				g.written(store.Outcome{Revision: revision})
				return
			case store.Lasts(err): // what was sent before perhaps not
				g.failUnknown(unknown, err)
				return
			}
		}
		if !pause.For(ctx, resolveAgain) {
			break
		}
	}
	g.fail(unknown, unknown)
}

// failUnknown is fail for a write of which it cannot be found out whether it is stored, and why not.
func (g *Gate) failUnknown(unknown, why error) { g.fail(fmt.Errorf("%w: %w", unknown, why), why) }

// fail logs why the state could not be stored, and closes the gate.
func (g *Gate) fail(flying, next error) {
	if errors.Is(next, store.ErrConflict) {
		g.host.Refused.Add(1)
	}
	g.failed(storing, next)
	g.close(next, flying)
}

// close ends the activation and refuses all that is held back: what waits for the write that was under way with the
// one error, the rest with the other. What is released is stored, and is sent.
func (g *Gate) close(err, flying error) {
	g.mu.Lock()
	dropped := g.shut(err)
	g.mu.Unlock()
	g.dismiss(dropped, err, flying)
}

// shut closes the gate, and returns what is to be refused. The caller holds g.mu, and calls dismiss once it has let it go.
func (g *Gate) shut(err error) (dropped held) {
	g.closed, g.asked, g.writing, g.dirty = err, false, false, false
	if h := g.held; h != nil {
		dropped.flying, dropped.next = h.flying, h.next
		h.flying, h.next = nil, nil
	}
	g.refusing++
	g.moved.broadcast()
	return dropped
}

// dismiss does for close what is done without the lock.
func (g *Gate) dismiss(dropped held, err, flying error) {
	for i := range dropped.flying {
		g.refuse(&dropped.flying[i], flying)
	}
	for i := range dropped.next {
		g.refuse(&dropped.next[i], err)
	}
	g.actor.End()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusing--
	g.moved.broadcast()
}

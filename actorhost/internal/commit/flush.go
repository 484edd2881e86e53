package commit

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// unflushed is the newest change of an actor that is in the journal of its host, and not in its record yet.
type unflushed struct {
	segment *store.Segment
	record  record.Record // as the journal has it
}

// segmentEnd is what is to be told to a segment of the journal.
type segmentEnd struct{ keep, leave *store.Segment }

// flushed takes note of a write that has succeeded, which went to the journal if that gives its segment. The caller holds
// g.mu, and calls settleSegment once it has let it go.
func (g *Gate) flushed(segment *store.Segment) (told segmentEnd) {
	switch {
	case segment == nil && g.unflushed != nil:
		told.leave = g.unflushed.segment
		g.unflushed = nil
	case segment == nil:
	case g.unflushed != nil: // which is written before the segment that it is in ends
		told.leave = segment
		g.unflushed.record = *g.record
	default:
		told.keep = segment
		g.unflushed = &unflushed{segment, *g.record}
	}
	return told
}

// settleSegment tells a segment of the journal what flushed has found.
func (g *Gate) settleSegment(told segmentEnd) {
	if told.leave != nil {
		told.leave.Leave()
	}
	if told.keep != nil && !told.keep.Keep(g.flushRecord) {
		g.flushRecord()
	}
}

// flushRecord has the record written if it lags behind the journal. It does not wait.
func (g *Gate) flushRecord() {
	g.mu.Lock()
	if g.unflushed != nil {
		g.dirty, g.shared = true, true
	}
	ask := g.ask()
	g.mu.Unlock()
	g.write(ask)
}

// ClearOutbox has the record written if its outbox has events, and all of them are in the log: once that forgets them, it
// would look as if they had never got there. So it does when the record has items that are in messages of their own. It does not
// wait.
func (g *Gate) ClearOutbox() {
	g.mu.Lock()
	if g.emitted && !hasEvents(g.parts) && g.state != nil && !g.ending {
		g.dirty, g.shared = true, true
	}
	ask := g.ask()
	g.mu.Unlock()
	g.write(ask)
}

// Flush has the record written if it lags behind the journal, before the activation ends: who wakes the actor next looks
// nowhere else. When the gate is closed, what the journal has is written, with the lease or without, unless another has
// written the record meanwhile. It reports whether the record has all: if not, the host has another id or none, and whoever
// takes over must recover the journal.
func (g *Gate) Flush() bool {
	g.landItems()
	g.ClearOutbox()
	g.flushRecord()
	_ = g.Settle()
	g.mu.Lock()
	last := g.unflushed
	g.mu.Unlock()
	if last == nil {
		return true
	}
	for tries := 0; g.host.Ctx.Err() == nil && g.actor.Owns(); tries++ {
		ctx, cancel := context.WithTimeout(g.host.Ctx, resolveTimeout)
		_, err := g.host.Store.Put(ctx, g.actor.ID(), last.record)
		cancel()
		if err == nil || errors.Is(err, store.ErrConflict) {
			g.host.Faults.Works(flushing)
			last.segment.Leave()
			return true
		}
		if errors.Is(err, nats.ErrConnectionClosed) {
			break
		}
		if tries > 0 {
			g.failed(flushing, err)
		}
		again := flushAgain
		if store.Lasts(err) {
			again = flushFullAgain
		}
		pause.For(g.host.Ctx, again)
	}
	return false
}

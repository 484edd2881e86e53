package actorhost

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// behind is for an actor whose newest change is in the journal of its host, and not in its record yet.
type behind struct {
	segment *store.Segment
	record  record.Record // as the journal has it
}

// note takes note of a write that has succeeded, which went to the journal if that gives its segment. The caller holds g.mu.
func (g *gate) note(segment *store.Segment) {
	switch {
	case segment == nil && g.behind != nil:
		g.behind.segment.Leave()
		g.behind = nil
	case segment == nil:
	case g.behind != nil: // which is written before the segment that it is in ends
		segment.Leave()
		g.behind.record = *g.record
	default:
		g.behind = &behind{segment, *g.record}
		if !segment.Keep(g.catchUp) {
			g.writeRecord()
		}
	}
}

// catchUp has the record written if it is behind.
func (g *gate) catchUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.behind != nil {
		g.writeRecord()
		g.ask()
	}
}

// writeRecord has the next write be one of the record, and that there is one. The caller holds g.mu, and asks.
func (g *gate) writeRecord() { g.dirty, g.apart = true, true }

// landAgain is the pause after a record could not be written.
const landAgain = 50 * time.Millisecond

// land has the record written if it is behind, before the actor leaves: who wakes it next looks nowhere else. When the gate
// is closed, what the journal has is written, with the lease or without, unless another has written the record meanwhile. It
// ends without that only when the session has: then whoever takes over recovers the journal.
func (g *gate) land() {
	g.catchUp()
	_ = g.settle()
	g.mu.Lock()
	last, revision := g.behind, g.revision
	g.mu.Unlock()
	if last == nil {
		return
	}
	h := g.a.host
	last.record.Revision = revision
	for tries := 0; h.ctx.Err() == nil && h.presence.Session() == g.a.session; tries++ {
		ctx, cancel := context.WithTimeout(h.ctx, resolveTimeout)
		_, err := h.records.Put(ctx, g.a.id, last.record)
		cancel()
		if err == nil || errors.Is(err, store.ErrConflict) {
			last.segment.Leave()
			return
		}
		if errors.Is(err, nats.ErrConnectionClosed) {
			break
		}
		if tries == 1 {
			g.a.logger("").Warn("writing the record failed, and is tried again", slog.Any("error", err))
		}
		pause.For(h.ctx, landAgain)
	}
	g.a.session.Stranded.Store(true)
}

// same reports whether a record that was found is one that was to be written.
func same(found, written record.Record) bool {
	return bytes.Equal(found.Append(nil), written.Append(nil))
}

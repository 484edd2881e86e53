package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
)

// group is one message of a journal: the changes of many actors.
type group struct {
	segment  *Segment
	expected uint64
	body     []byte
	writes   []groupedWrite
}

// groupedWrite is a write that went into a group.
type groupedWrite struct {
	revision uint64 // of the record, which is not written
	done     func(Outcome)
}

// commit sends waiting writes as a group, if none is in flight.
func (j *Journal) commit() {
	j.mu.Lock()
	if j.inFlight != nil || j.queue.Len() == 0 {
		j.mu.Unlock()
		return
	}
	n := j.queue.Len()
	n = min(max(n/2, smallGroup), n, maxGroup) // leave half for the next group, so that one can fill while the other is in flight
	g := new(group)
	if last := len(j.free) - 1; last >= 0 {
		g, j.free = j.free[last], j.free[:last]
	}
	j.mu.Unlock()
	g.fill(j, n)
	j.mu.Lock()
	s := j.current
	if len(g.writes) == 0 {
		j.free = append(j.free, g)
		j.mu.Unlock()
		return
	}
	if s.changes == 0 {
		j.currentSince = time.Now()
	}
	j.lastGroupSize = len(g.writes)
	s.refs += len(g.writes)
	s.changes += len(g.writes)
	s.bytes += len(g.body)
	g.segment, g.expected = s, j.lastSequence[s.generation]
	j.inFlight = g
	j.mu.Unlock()
	j.writer.sendNow(j.journals.stream, prepared{
		subject: j.journals.stream.prefix + j.keys[s.generation], expected: g.expected, value: g.body, done: j.handleAck,
	})
}

// fill moves up to n waiting writes of the journal into the group.
func (g *group) fill(j *Journal, n int) {
	g.body, g.writes = g.body[:0], g.writes[:0]
	limit := max(1, min(maxGroupBytes, int(j.writer.nc.MaxPayload())-maxGroupedRecord-groupHeaders))
	for len(g.writes) < n && len(g.body) < limit {
		next, ok := j.dequeue()
		if !ok {
			return
		}
		one, ok := next.Take(true)
		if !ok {
			continue
		}
		longer, size := appendChange(g.body, next.ID, one)
		if size > maxGroupedRecord {
			j.writer.enqueuePrepared(prepared{
				subject: j.journals.records.bucket.prefix + next.ID.Tokens(), expected: one.Revision,
				value: append([]byte(nil), longer[len(longer)-size:]...), done: next.Done,
			})
			continue
		}
		g.body = longer
		g.writes = append(g.writes, groupedWrite{one.Revision, next.Done})
	}
}

// handleAck handles the acknowledgement of the group in flight.
func (j *Journal) handleAck(o Outcome) {
	if errors.Is(o.Err, ErrOutcomeUnknown) || errors.Is(o.Err, errNotSent) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.unanswered = true
		j.signal()
		return
	}
	j.settle(o.Revision, o.Err, o.More)
}

// settle tells the writes of the group in flight their outcome.
func (j *Journal) settle(sequence uint64, err error, more bool) {
	j.mu.Lock()
	g := j.inFlight
	if g == nil { // it was abandoned
		j.mu.Unlock()
		return
	}
	j.inFlight, j.unanswered = nil, false
	if err == nil {
		j.journals.stream.reach(sequence)
		j.lastSequence[g.segment.generation] = sequence
	} else {
		g.segment.release(len(g.writes))
		if j.lost == nil && (errors.Is(err, ErrConflict) || errors.Is(err, ErrOutcomeUnknown)) {
			j.lost = err
		}
	}
	if j.queue.Len() > 0 {
		j.signal()
	}
	j.mu.Unlock()
	for i, one := range g.writes {
		o := Outcome{Revision: one.revision, Err: err, More: more || i < len(g.writes)-1}
		if err == nil {
			o.Segment = g.segment
		}
		one.done(o)
	}
	clear(g.writes)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.free = append(j.free, g) // there are few: one is in flight at a time
}

// resolve finds out what became of a group that was not acknowledged, by sending it again. Each message of a journal
// must follow the last one, so the group cannot be stored twice. If that takes longer than journalTimeout, the journal
// is given up.
func (j *Journal) resolve() {
	j.mu.Lock()
	g, unanswered := j.inFlight, j.unanswered
	j.mu.Unlock()
	if g == nil || !unanswered {
		return
	}
	ctx, cancel := j.untilClosed()
	defer cancel()
	for ctx.Err() == nil && !j.writer.nc.IsClosed() && !j.wasReplaced() {
		key := j.keys[g.segment.generation]
		found, state, err := j.journals.last(ctx, key)
		switch {
		case Lasts(err):
			j.settle(0, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err), false)
			return
		case err != nil:
		case state == journalSealed, state == journalOver: // perhaps after the group
			j.settle(0, ErrOutcomeUnknown, false)
			return
		case found > g.expected:
			j.settle(found, nil, false)
			return
		default:
			sequence, err := j.journals.stream.put(ctx, key, g.body, g.expected, 0)
			if err == nil {
				j.settle(sequence, nil, false)
				return
			}
			if Lasts(err) { // the first sending perhaps not
				j.settle(0, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err), false)
				return
			}
		}
		pause.For(ctx, journalRetryPause)
	}
	j.settle(0, ErrOutcomeUnknown, false)
}

func (j *Journal) wasReplaced() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Is(j.lost, errReplaced)
}

// untilClosed returns a context that ends with the journal, or after journalTimeout.
func (j *Journal) untilClosed() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	stop := make(chan struct{})
	j.running.Go(func() {
		select {
		case <-j.quit:
			cancel()
		case <-stop:
		}
	})
	return ctx, sync.OnceFunc(func() { cancel(); close(stop) })
}

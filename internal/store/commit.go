package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
)

// group is a message of a journal.
type group struct {
	segment  *Segment
	expected uint64
	body     []byte
	writes   []grouped
}

// grouped is a change in it.
type grouped struct {
	revision uint64 // of the record, which is as it was
	done     func(Outcome)
}

// commit sends a group of what waits.
func (j *Journal) commit() {
	j.mu.Lock()
	if j.flight != nil || j.queue.Len() == 0 {
		j.mu.Unlock()
		return
	}
	n := j.queue.Len()
	n = min(max(n/2, fewInGroup), n, maxGroup) // while one is on its way, others can be under way to the next
	g := new(group)
	if last := len(j.spare) - 1; last >= 0 {
		g, j.spare = j.spare[last], j.spare[:last]
	}
	j.mu.Unlock()
	g.gather(j, n)
	j.mu.Lock()
	s := j.filling
	if len(g.writes) == 0 {
		j.spare = append(j.spare, g)
		j.mu.Unlock()
		return
	}
	if s.changes == 0 {
		j.since = time.Now()
	}
	j.crowd = len(g.writes)
	s.holds += len(g.writes)
	s.changes += len(g.writes)
	s.bytes += len(g.body)
	g.segment, g.expected = s, j.last[s.generation]
	j.flight = g
	j.mu.Unlock()
	j.out.append(prepared{
		subject: j.all.stream.prefix + j.keys[s.generation], expected: g.expected, value: g.body, done: j.answered,
	})
}

// gather takes so many writes that wait in the queue of the journal.
func (g *group) gather(j *Journal, n int) {
	g.body, g.writes = g.body[:0], g.writes[:0]
	for len(g.writes) < n && len(g.body) < maxGroupBytes {
		next, ok := j.next()
		if !ok {
			return
		}
		one, ok := next.Take(true)
		if !ok {
			continue
		}
		longer, size := appendChange(g.body, next.ID, one)
		if size > maxGrouped {
			j.out.put(prepared{
				subject: j.all.records.bucket.prefix + next.ID.Tokens(), expected: one.Revision,
				value: append([]byte(nil), longer[len(longer)-size:]...), done: next.Done,
			})
			continue
		}
		g.body = longer
		g.writes = append(g.writes, grouped{one.Revision, next.Done})
	}
}

// answered takes the server's answer to a group.
func (j *Journal) answered(o Outcome) {
	if errors.Is(o.Err, ErrOutcomeUnknown) || errors.Is(o.Err, errNotSent) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.unsure = true
		j.signal()
		return
	}
	j.land(o.Revision, o.Err, o.More)
}

// land tells what has become of the group that was on its way.
func (j *Journal) land(sequence uint64, err error, more bool) {
	j.mu.Lock()
	g := j.flight
	if g == nil { // it was given up
		j.mu.Unlock()
		return
	}
	j.flight, j.unsure = nil, false
	if err == nil {
		j.last[g.segment.generation] = sequence
	} else {
		g.segment.leave(len(g.writes))
		if errors.Is(err, ErrConflict) || errors.Is(err, ErrOutcomeUnknown) {
			j.over = err
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
	j.spare = append(j.spare, g) // there are few: one is on its way at a time
}

// resolve finds out what has become of a group that was not answered, by sending it again: each message of a journal
// follows the last one, so it cannot get there twice. When that takes too long, the journal is given up.
func (j *Journal) resolve() {
	j.mu.Lock()
	g, unsure := j.flight, j.unsure
	j.mu.Unlock()
	if g == nil || !unsure {
		return
	}
	ctx, cancel := j.untilClosed()
	defer cancel()
	for ctx.Err() == nil && !j.out.nc.IsClosed() {
		key := j.keys[g.segment.generation]
		found, state, err := j.all.last(ctx, key)
		switch {
		case err != nil:
		case state == journalSealed, state == journalOver: // perhaps after it
			j.land(0, ErrOutcomeUnknown, false)
			return
		case found > g.expected:
			j.land(found, nil, false)
			return
		default:
			sequence, err := j.all.stream.put(ctx, key, g.body, g.expected, 0)
			if err == nil {
				j.land(sequence, nil, false)
				return
			}
		}
		pause.For(ctx, journalAgain)
	}
	j.land(0, ErrOutcomeUnknown, false)
}

// untilClosed is a context that ends with the journal, or when its time is over.
func (j *Journal) untilClosed() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	stop := make(chan struct{})
	j.gone.Go(func() {
		select {
		case <-j.quit:
			cancel()
		case <-stop:
		}
	})
	return ctx, sync.OnceFunc(func() { cancel(); close(stop) })
}

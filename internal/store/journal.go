package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/queue"
)

// Journal is where a host stores what many actors change at the same moment: all of it in one message, where a record of
// each would be a message of its own (group commit). It is the write-ahead log of the host: what is in it gets into the
// records within seconds, of each actor only the newest; when the host dies before, by who takes its actors over, with
// [Journals.Recover].
//
// A journal has two subjects. While one is written to, the records of what is in the other are written, and it is emptied.
// Each message expects to follow the last one, so that a message of somebody else ends the journal: nobody can claim an
// actor while its last owner goes on to store what it changes.
type Journal struct {
	journals *Journals
	keys     [2]string
	writer   *writer
	wake     chan struct{}
	quit     chan struct{}
	running  sync.WaitGroup

	mu            sync.Mutex
	closed        bool
	lost          error // why nothing more can be written: it is in other hands
	queue         queue.FIFO[Write]
	inFlight      *group // on its way
	free          []*group
	lastGroupSize int  // writes in the last one
	unanswered    bool // what has become of it
	lastSequence  [2]uint64
	current       *Segment
	emptying      *Segment  // is emptied; nil when it is
	currentSince  time.Time // filling has something in it
	bypassUntil   time.Time // until then each record is written by itself
}

const (
	minGroup         = 16        // writes that are worth a group
	smallGroup       = 128       // writes, which leave nothing for the next
	maxGroup         = 1000      // writes
	maxGroupBytes    = 256 << 10 // give or take one
	maxGroupedRecord = 32 << 10  // bytes of a record: a larger one goes by itself

	segmentAge, segmentBytes = 2 * time.Second, 32 << 20
	maxSegmentBytes          = 128 << 20 // where the records are not written fast enough; beyond it each goes by itself

	// From when the records are written until the journal is emptied, so that a power cut takes no more from both together than
	// from one of them: servers that do not sync each write do so every now and then.
	emptyAfter = 500 * time.Millisecond

	// A journal is worth it where actors change more often than their records are written. Where most have changed once in
	// a segment, it is left alone for a while.
	minChangesPerActor = 2
	bypassFor          = 10 * time.Second

	// How long it is tried to get a message into a journal before that is given up, and the pause between tries.
	journalTimeout, journalRetryPause = 10 * time.Second, 20 * time.Millisecond
)

// Open begins the journal of a host that has just come to be.
func (js *Journals) Open(ctx context.Context, host string) (*Journal, error) {
	w, err := js.records.ensureWriter()
	if err != nil {
		return nil, err
	}
	j := &Journal{journals: js, keys: journalKeys(host), writer: w, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	for i, key := range j.keys {
		if j.lastSequence[i], err = js.mark(ctx, key, journalOpen, 0); err != nil {
			return nil, fmt.Errorf("opening a journal: %w", err)
		}
	}
	j.current = &Segment{journal: j}
	j.running.Go(j.run)
	return j, nil
}

func journalKeys(host string) [2]string { return [2]string{host + ".0", host + ".1"} }

// Write is [Records.Write], by way of the journal if others wait with this write. Such a write is told by Outcome.Segment;
// its actor must have its record written when the segment is to end, and before it sleeps.
func (j *Journal) Write(one Write) error {
	j.mu.Lock()
	if !j.accepts() {
		j.mu.Unlock()
		return j.journals.records.Write(one)
	}
	defer j.mu.Unlock()
	j.queue.Push(one)
	j.signal()
	return nil
}

// accepts reports whether a write goes to the journal. The caller holds j.mu.
func (j *Journal) accepts() bool {
	switch {
	case j.closed, j.lost != nil, j.current.bytes >= maxSegmentBytes:
		return false
	case j.journals.eager, j.inFlight != nil, j.queue.Len() > 0, j.lastGroupSize >= minGroup:
		return true
	}
	return j.writer.pending() >= minGroup && (j.bypassUntil.IsZero() || time.Now().After(j.bypassUntil))
}

func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// run does all that is to be done one thing after the other.
func (j *Journal) run() {
	timer := time.NewTimer(segmentAge)
	timer.Stop()
	for armed := false; ; {
		select {
		case <-j.quit:
			j.abandon()
			return
		case <-j.wake:
		case <-timer.C:
			armed = false
		}
		j.resolve()
		j.emptySegment()
		j.rotate()
		j.commit()
		if !armed && j.hasSegments() {
			armed = true
			timer.Reset(segmentAge / 4)
		}
	}
}

// hasSegments reports whether there is something to do later.
func (j *Journal) hasSegments() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.current.changes > 0 || j.emptying != nil
}

// rotate ends a segment that is full, or old enough, and has the records written of what is in it.
func (j *Journal) rotate() {
	j.mu.Lock()
	s := j.current
	if j.emptying != nil && j.lost == nil || s.changes == 0 || s.bytes < segmentBytes && time.Since(j.currentSince) < segmentAge {
		j.mu.Unlock()
		return
	}
	if s.changes < minChangesPerActor*len(s.flushes) {
		j.bypassUntil = time.Now().Add(bypassFor)
	}
	s.closed = true
	flushes := s.flushes
	s.flushes = nil
	j.emptying = s
	j.current = &Segment{journal: j, generation: 1 - s.generation}
	j.mu.Unlock()
	for _, flush := range flushes {
		flush()
	}
}

// emptySegment empties the segment whose changes are all in the records.
func (j *Journal) emptySegment() {
	j.mu.Lock()
	s := j.emptying
	if s == nil || s.refs > 0 || time.Since(s.releasedAt) < emptyAfter || j.lost != nil {
		j.mu.Unlock()
		return
	}
	expected := j.lastSequence[s.generation]
	j.mu.Unlock()
	ctx, cancel := j.untilClosed()
	defer cancel()
	key := j.keys[s.generation]
	sequence, err := j.journals.mark(ctx, key, journalEmptied, expected)
	if err != nil { // perhaps it is there all the same
		last, state, readErr := j.journals.last(ctx, key)
		if readErr == nil && state == journalEmptied && last > expected {
			sequence, err = last, nil
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err == nil:
		j.lastSequence[s.generation], j.emptying = sequence, nil
	case errors.Is(err, ErrConflict):
		j.lost = err
	}
}

// abandon ends what is under way.
func (j *Journal) abandon() {
	j.settle(0, ErrOutcomeUnknown, false)
	for next, ok := j.dequeue(); ok; next, ok = j.dequeue() {
		if _, ok := next.Take(true); ok {
			next.Done(Outcome{Err: fmt.Errorf("writing %s: %w: %w", next.ID, errNotSent, errClosed)})
		}
	}
}

// dequeue takes the next write that waits, if one does.
func (j *Journal) dequeue() (Write, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.queue.Len() == 0 {
		return Write{}, false
	}
	return j.queue.Pop(), true
}

// Close ends the journal. When all that is in it is in the records, it leaves a message that says so, for those who take
// over the actors of its host. What is under way has [ErrOutcomeUnknown].
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	clean := j.lost == nil && j.inFlight == nil && j.queue.Len() == 0 && j.current.refs == 0 && (j.emptying == nil || j.emptying.refs == 0)
	j.mu.Unlock()
	close(j.quit)
	j.running.Wait()
	if !clean {
		return nil
	}
	for i, key := range j.keys {
		if _, err := j.journals.mark(ctx, key, journalOver, j.lastSequence[i]); err != nil && !errors.Is(err, ErrConflict) {
			return fmt.Errorf("closing a journal: %w", err)
		}
	}
	return nil
}

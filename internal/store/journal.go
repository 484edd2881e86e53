package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/queue"
)

// Journal is the write-ahead log of a host. It stores the changes of many actors in one message, where single records
// would be one message each (group commit). Within seconds the newest change of each actor also gets into its record.
// If the host dies before that, whoever takes its actors over calls [Journals.Recover].
//
// A journal has two subjects. While one is written to, the records of the changes in the other are written, and then it
// is emptied. Each message expects to follow the last one, so a message of somebody else ends the journal: nobody can
// claim an actor while its last owner still stores changes.
type Journal struct {
	journals *Journals
	keys     [2]string
	writer   *writer
	wake     chan struct{}
	quit     chan struct{}
	running  sync.WaitGroup

	mu            sync.Mutex
	closed        bool
	lost          error // why nothing more can be written: another host has sealed the journal, or errReplaced
	queue         queue.FIFO[Write]
	inFlight      *group // sent and not acknowledged
	free          []*group
	lastGroupSize int  // writes in the last group
	unanswered    bool // the outcome of inFlight must be resolved
	lastSequence  [2]uint64
	current       *Segment
	emptying      *Segment  // is being emptied, or nil
	currentSince  time.Time // when current got its first change
	bypassUntil   time.Time // until then records are written without the journal
}

const (
	minGroup         = 16        // waiting writes that are worth a group
	smallGroup       = 128       // waiting writes that are not split over two groups
	maxGroup         = 1000      // writes
	maxGroupBytes    = 256 << 10 // plus at most one change; less if the server takes less
	groupHeaders     = 1 << 10   // bytes of their message, or fewer
	maxGroupedRecord = 32 << 10  // bytes of a record: a larger one is written by itself

	segmentAge, segmentBytes = 2 * time.Second, 32 << 20
	maxSegmentBytes          = 128 << 20 // reached if records are written too slowly; then new changes bypass the journal

	// The pause between the writing of the records and the emptying of the journal. Servers that do not sync each write
	// sync within this time, so a power cut takes no more from both streams together than from one.
	emptyAfter = 500 * time.Millisecond

	// A journal pays off if actors change more often than their records are written. If the actors of a segment changed
	// fewer times than this on average, the journal is bypassed for a while.
	minChangesPerActor = 2
	bypassFor          = 10 * time.Second

	// How long the journal tries to store a message, and the pause between attempts.
	journalTimeout, journalRetryPause = 10 * time.Second, 20 * time.Millisecond
)

// Open starts the journal of a new host.
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

// Write is [Records.Write] through the journal, if other writes wait at the same time. Outcome.Segment says that a
// write went to the journal; the actor must then write its record when the segment ends, and before it sleeps.
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

// run is the journal's goroutine: it does all work, one thing after the other.
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
		j.reopen()
		j.commit()
		if !armed && j.hasSegments() {
			armed = true
			timer.Reset(segmentAge / 4)
		}
	}
}

// hasSegments reports whether there are segments to rotate or to empty later, or a journal to reopen.
func (j *Journal) hasSegments() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.current.changes > 0 || j.emptying != nil || errors.Is(j.lost, errReplaced)
}

// rotate ends the current segment if it is full, old enough or lost, and asks the actors in it to write their records.
func (j *Journal) rotate() {
	j.mu.Lock()
	s := j.current
	young := s.bytes < segmentBytes && time.Since(j.currentSince) < segmentAge
	if s.changes == 0 || j.lost == nil && (young || j.emptying != nil) {
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

// emptySegment empties the ended segment once all its changes are in the records.
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
	if err != nil { // perhaps the message was stored nevertheless
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
	case errors.Is(err, ErrConflict) && j.lost == nil:
		j.lost = err
	}
}

// errReplaced is why nothing can be written to a journal whose stream was replaced.
var errReplaced = errors.New("the stream of the journals was replaced")

// Replaced tells the journal that its stream was deleted, or put back to an older copy: see [Replaced]. What only the
// journal had is now in memory alone, so the records of all actors in it are written at once. Then it begins anew.
func (j *Journal) Replaced() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost = errReplaced
	j.signal()
}

// reopen begins a journal anew whose stream was replaced, once its actors have been asked to write their records.
func (j *Journal) reopen() {
	j.mu.Lock()
	ready := errors.Is(j.lost, errReplaced) && j.inFlight == nil && j.current.changes == 0
	j.mu.Unlock()
	if !ready {
		return
	}
	ctx, cancel := j.untilClosed()
	defer cancel()
	var begun [2]uint64
	for i, key := range j.keys {
		last, state, err := j.journals.last(ctx, key)
		if err == nil && state != journalSealed && state != journalOver {
			begun[i], err = j.journals.mark(ctx, key, journalOpen, last)
		}
		if err != nil {
			return // the next round tries again
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.emptying, j.lastSequence, j.lost = nil, begun, nil
	if begun[0] == 0 || begun[1] == 0 { // another host has sealed it
		j.lost = ErrConflict
	}
}

// abandon ends the group in flight and the waiting writes.
func (j *Journal) abandon() {
	j.settle(0, ErrOutcomeUnknown, false)
	for next, ok := j.dequeue(); ok; next, ok = j.dequeue() {
		if _, ok := next.Take(true); ok {
			next.Done(Outcome{Err: fmt.Errorf("writing %s: %w: %w", next.ID, errNotSent, errClosed)})
		}
	}
}

// dequeue takes the next waiting write, if there is one.
func (j *Journal) dequeue() (Write, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.queue.Len() == 0 {
		return Write{}, false
	}
	return j.queue.Pop(), true
}

// Close ends the journal. If all its changes are in the records, it leaves a message that says so, for hosts that take
// over the actors. Writes in flight get [ErrOutcomeUnknown].
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

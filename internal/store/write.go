package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/internal/record"
)

// Write is a request to store a record.
type Write struct {
	ID troupe.ID
	// Take is called once, when the write is about to be sent. It returns what to write, like the argument of
	// [Records.Put]. Changes until then need no write of their own. With ok false there is nothing to write, or not
	// this way: journal says whether it would go to the [Journal].
	Take func(journal bool) (one record.Record, ok bool)
	// Done is called once after Take, unless Take returned false. It must not block.
	Done func(Outcome)

	other *otherWrite // what is written, if it is no record
}

// otherWrite is a write of a key of the bucket that has no record.
type otherWrite struct {
	key      string
	header   nats.Header // besides the expected revision; may be nil
	expected uint64
	append   func(buffer []byte) []byte // the value
}

// Outcome is the result of a write.
type Outcome struct {
	Revision uint64   // of the record
	Err      error    // as [Records.Put] returns
	More     bool     // other outcomes follow at once
	Segment  *Segment // the write went to this segment of the journal; the record is not written
}

// Write queues a record to be stored, and does not wait. Take and Done are called on goroutines of the Records. An
// actor may have one write at a time, so the queue is at most as long as there are actors.
//
// Writes are pipelined. If the server is slow because it syncs each write to the disk, the writes that gather meanwhile
// are stored together as an atomic batch (ADR-50), at the cost of one sync; each still has an outcome of its own. The
// error says that the records cannot be written at all; then neither function is called.
func (r *Records) Write(one Write) error {
	w, err := r.ensureWriter()
	if err != nil {
		return err
	}
	return w.enqueue(one)
}

func (r *Records) ensureWriter() (*writer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writer == nil {
		w, err := newWriter(r.bucket, &r.maxPayload)
		if err != nil {
			return nil, err
		}
		r.writer = w
	}
	return r.writer, nil
}

// Close ends the writes that are queued or in flight. Those in flight get [ErrOutcomeUnknown].
func (r *Records) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writer == nil {
		return nil
	}
	return r.writer.close()
}

const (
	minBatch      = 16      // writes that are worth a batch, which has a cost of its own
	maxBatch      = 1000    // writes, the server's limit
	maxBatchBytes = 8 << 20 // of the values in a batch, plus at most one
	maxBatchID    = 64      // the server's limit

	keepFlights, keepBuffer = 64, 16 << 10

	// How often the writer looks for writes that were not acknowledged in time.
	sweepEvery = 250 * time.Millisecond
)

var (
	errClosed    = errors.New("the records are closed")
	errNoBatches = errors.New("the stream takes no batches")
	// errUnanswered is the error of a write to a server that is there.
	errUnanswered = fmt.Errorf("%w within %v: the servers of its stream are down, or cannot write to their disks (their log says why)",
		ErrOutcomeUnknown, writeTimeout)
)

// writer sends the writes of one bucket, on one goroutine.
type writer struct {
	nc         *nats.Conn
	bucket     *bucket
	maxPayload *atomic.Int64 // another server may have another limit
	inbox      string        // prefix of the subjects of acknowledgements
	sub        *nats.Subscription
	denials    *link.Denials
	wake       chan struct{} // there may be something to send
	quit       chan struct{}
	ctx        context.Context //nolint:containedctx // it ends with the writer
	cancel     context.CancelFunc
	running    sync.WaitGroup

	sending sync.Mutex // held while a flight is sent, also by a journal; locked before mu

	mu         sync.Mutex
	closed     bool
	queue      queue.FIFO[Write]
	troubled   []*bucket            // those in trouble
	retries    queue.FIFO[prepared] // from refused batches, to be sent one by one
	flights    map[uint64]*flight   // sent and not acknowledged, by number
	denied     atomic.Bool          // one of them is, or deaf is set
	deaf       error                // why no acknowledgement of them is heard
	inFlight   int                  // record writes in them
	lastNumber uint64
	policy     batchPolicy
	window     window
	free       []*flight
}

// prepared is a write that is ready to be sent.
type prepared struct {
	subject  string
	header   nats.Header // besides the expected revision
	expected uint64
	value    []byte
	done     func(Outcome)
	denied   error // the server does not allow it
}

func newWriter(b *bucket, maxPayload *atomic.Int64) (*writer, error) {
	nc := b.js.Conn()
	w := &writer{
		nc: nc, bucket: b, maxPayload: maxPayload, inbox: nc.NewInbox() + ".",
		wake: make(chan struct{}, 1), quit: make(chan struct{}),
		flights: make(map[uint64]*flight),
	}
	sub, err := nc.Subscribe(w.inbox+"*", w.handleAck)
	if err != nil {
		return nil, fmt.Errorf("subscribing to acknowledgements: %w: %w", errNotSent, err)
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.sub, w.denials = sub, link.HearDenials(nc, w.deny)
	w.running.Go(w.run)
	return w, nil
}

func (w *writer) close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	w.mu.Unlock()
	close(w.quit)
	w.cancel()
	w.running.Wait()
	w.denials.Stop()
	if err := w.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("unsubscribing from acknowledgements: %w", err)
	}
	return nil
}

func (w *writer) enqueue(one Write) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("writing %s: %w: %w", one.ID, errNotSent, errClosed)
	}
	w.queue.Push(one)
	w.signal()
	return nil
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run sends writes, and ends those that are not acknowledged.
func (w *writer) run() {
	lost := w.nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer w.nc.RemoveStatusListener(lost)
	sweep, sweeping := time.NewTimer(sweepEvery), true
	defer sweep.Stop()
	for {
		select {
		case <-w.wake:
			w.settleDenied()
			for n := w.sendable(); n > 0; n = w.sendable() {
				w.send(w.buildFlight(n))
			}
			if !sweeping {
				sweeping = true
				sweep.Reset(sweepEvery)
			}
		case <-lost:
			w.settleDenied()
			w.expire(time.Now(), ErrOutcomeUnknown)
		case <-sweep.C:
			now := time.Now()
			sweeping = w.expire(now.Add(-writeTimeout), errUnanswered)
			if w.lookForTrouble(now) || sweeping {
				sweeping = true
				sweep.Reset(sweepEvery)
			}
		case <-w.quit:
			w.expire(time.Now(), ErrOutcomeUnknown)
			for one, ok := w.prepareNext(nil); ok; one, ok = w.prepareNext(nil) {
				one.done(Outcome{Err: fmt.Errorf("writing %s: %w: %w", one.subject, errNotSent, errClosed)})
			}
			return
		}
	}
}

// sendable is how many writes may be sent now, as one flight.
func (w *writer) sendable() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.queue.Len()
	switch {
	case n+w.retries.Len() == 0:
	case w.retries.Len() > 0 && w.window.allows(w.inFlight, n):
		return 1
	case !w.policy.batching && w.window.allows(w.inFlight, n), n < minBatch && w.inFlight < minBatch:
		return min(n, 1)
	case w.policy.batching && n >= minBatch && w.inFlight == 0: // until then, more can join
		return min(n, maxBatch)
	}
	return 0
}

// buildFlight makes a flight of up to n writes.
func (w *writer) buildFlight(n int) *flight {
	f := w.newFlight()
	for size := 0; len(f.writes) < n && size < maxBatchBytes; {
		var buffer []byte
		if used := len(f.writes); cap(f.writes) > used {
			buffer = f.writes[:used+1][used].value
		}
		one, ok := w.prepareNext(buffer)
		if !ok {
			break
		}
		f.writes = append(f.writes, one)
		size += len(one.value)
	}
	return f
}

// prepareNext prepares the next waiting write. Its value is appended to the buffer.
func (w *writer) prepareNext(buffer []byte) (prepared, bool) {
	for {
		w.mu.Lock()
		if w.retries.Len() > 0 {
			one := w.retries.Pop()
			w.mu.Unlock()
			return one, true
		}
		if w.queue.Len() == 0 {
			w.mu.Unlock()
			return prepared{}, false
		}
		next := w.queue.Pop()
		w.mu.Unlock()
		if o := next.other; o != nil {
			return prepared{w.bucket.prefix + o.key, o.header, o.expected, o.append(buffer[:0]), next.Done, nil}, true
		}
		one, ok := next.Take(false)
		if !ok {
			continue
		}
		return prepared{
			subject: w.bucket.prefix + next.ID.Tokens(), expected: one.Revision, value: one.Append(buffer[:0]), done: next.Done,
		}, true
	}
}

// pending is how many writes of records wait or are in flight.
func (w *writer) pending() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queue.Len() + w.retries.Len() + w.inFlight
}

// sendNow sends a write to another stream ahead of the waiting ones.
func (w *writer) sendNow(b *bucket, one prepared) {
	f := w.newFlight()
	f.apart, f.bucket = true, b
	f.writes = append(f.writes, one)
	w.send(f)
	w.signal() // starts the check for writes that are not acknowledged in time
}

// enqueuePrepared queues prepared writes, to be sent one by one.
func (w *writer) enqueuePrepared(writes ...prepared) {
	w.mu.Lock()
	w.retries.Push(writes...)
	w.mu.Unlock()
	w.signal()
}

// lookForTrouble asks why writes have not been answered for a while, without waiting. It reports whether it must be called
// again: while there is trouble, so that it is noticed when it ends.
func (w *writer) lookForTrouble(now time.Time) (again bool) {
	for _, b := range w.unwritten(now.Add(-askWhyAfter)) {
		if !b.trouble.isOld() || b.trouble.asking.Load() {
			continue
		}
		w.running.Go(func() {
			if why := b.findTrouble(w.ctx); why != nil {
				w.inTrouble(b)
				w.expireOf(b, now, fmt.Errorf("%w: %w", ErrOutcomeUnknown, why))
			}
		})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubled = slices.DeleteFunc(w.troubled, func(b *bucket) bool { return b.trouble.why() == nil })
	return len(w.troubled) > 0
}

// inTrouble has it asked again why nothing can be stored in a stream.
func (w *writer) inTrouble(b *bucket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.troubled, b) {
		w.troubled = append(w.troubled, b)
	}
}

// unwritten are the streams whose writes were not answered since some time, and those that are in trouble.
func (w *writer) unwritten(since time.Time) []*bucket {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := slices.Clone(w.troubled)
	for _, f := range w.flights {
		if f.sent.Before(since) && !slices.Contains(found, f.bucket) {
			found = append(found, f.bucket)
		}
	}
	return found
}

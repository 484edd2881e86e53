package bus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// Write is a record that is to be stored.
type Write struct {
	ID troupe.ID
	// Take is called once, when the write is about to be sent, and returns what to write, like the argument of
	// [Records.Put]. What changes until then needs no write of its own. With false there is nothing to write.
	Take func() (Record, bool)
	// Done is called once after Take, unless that had nothing to write, with what Put would have returned. It must not
	// block.
	Done func(revision uint64, err error, more bool)
}

// Write stores a record soon, and does not wait for that. Take and Done are called on goroutines of the Records. Of one
// actor there may be one write at a time; so as many may wait as there are actors.
//
// Writes go out one behind the other. Where the server takes its time for each, because it syncs to the disk, those that
// come meanwhile are stored all together, at the price of one (an atomic batch, ADR-50): each still has an outcome of its
// own. The error is that of records that cannot be written at all; then neither function is called.
func (r *Records) Write(one Write) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writer == nil {
		w, err := newWriter(r.bucket)
		if err != nil {
			return err
		}
		r.writer = w
	}
	return r.writer.add(one)
}

// Close ends the writes that are under way, with [ErrOutcomeUnknown].
func (r *Records) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writer == nil {
		return nil
	}
	return r.writer.close()
}

const (
	minBatch      = 16      // writes that are worth a batch, which has a price of its own
	maxBatch      = 1000    // writes, the server's limit
	maxBatchBytes = 8 << 20 // of the values in a batch, give or take one
	maxBatchID    = 64      // the server's limit

	keepFlights, keepBuffer = 64, 16 << 10

	// How often it is looked for writes that have waited for too long.
	sweepEvery = 250 * time.Millisecond
)

var (
	errClosed    = errors.New("the records are closed")
	errNoBatches = errors.New("the stream takes no batches")
)

// writer sends the writes of one bucket, on one goroutine.
type writer struct {
	nc     *nats.Conn
	bucket string // prefix of the subjects of keys
	inbox  string // prefix of the subjects of answers
	sub    *nats.Subscription
	wake   chan struct{} // there may be something to send
	quit   chan struct{}
	gone   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	queue    fifo[Write]
	again    fifo[prepared]     // refused as a batch, to be sent one by one
	flights  map[uint64]*flight // sent and not answered, by number
	inFlight int                // writes in them
	last     uint64
	pace     pace
	window   window
	spare    []*flight
}

// prepared is a write that is ready to be sent.
type prepared struct {
	key      string
	expected uint64
	value    []byte
	done     func(revision uint64, err error, more bool)
}

// flight is what the server gives one answer to: a write, or a batch.
type flight struct {
	writes []prepared
	sent   time.Time
	behind int // so many writes that were in flight before
}

func newWriter(b *bucket) (*writer, error) {
	nc := b.js.Conn()
	w := &writer{
		nc: nc, bucket: b.prefix, inbox: nc.NewInbox() + ".", wake: make(chan struct{}, 1), quit: make(chan struct{}),
		flights: make(map[uint64]*flight),
	}
	sub, err := nc.Subscribe(w.inbox+"*", w.answered)
	if err != nil {
		return nil, fmt.Errorf("subscribing to the answers to writes: %w: %w", errNotSent, err)
	}
	w.sub = sub
	w.gone.Go(w.run)
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
	w.gone.Wait()
	if err := w.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("unsubscribing from the answers to writes: %w", err)
	}
	return nil
}

func (w *writer) add(one Write) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("writing %s: %w: %w", one.ID, errNotSent, errClosed)
	}
	w.queue.push(one)
	w.signal()
	return nil
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run sends, and ends what gets no answer.
func (w *writer) run() {
	lost := w.nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer w.nc.RemoveStatusListener(lost)
	sweep, sweeping := time.NewTimer(sweepEvery), true
	defer sweep.Stop()
	for {
		select {
		case <-w.wake:
			for n := w.allowed(); n > 0; n = w.allowed() {
				w.send(w.gather(n))
			}
			if !sweeping {
				sweeping = true
				sweep.Reset(sweepEvery)
			}
		case <-lost:
			w.end(time.Now())
		case <-sweep.C:
			if sweeping = w.end(time.Now().Add(-writeTimeout)); sweeping {
				sweep.Reset(sweepEvery)
			}
		case <-w.quit:
			w.end(time.Now())
			for one, ok := w.take(nil); ok; one, ok = w.take(nil) {
				one.done(0, fmt.Errorf("writing %s: %w: %w", one.key, errNotSent, errClosed), false)
			}
			return
		}
	}
}

// allowed is how many writes may be sent now, as one flight.
func (w *writer) allowed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.queue.len()
	switch {
	case n+w.again.len() == 0:
	case w.again.len() > 0 && w.window.allows(w.inFlight, n):
		return 1
	case !w.pace.batches && w.window.allows(w.inFlight, n), n < minBatch && w.inFlight < minBatch:
		return min(n, 1)
	case w.pace.batches && n >= minBatch && w.inFlight == 0: // until then, more can join
		return min(n, maxBatch)
	}
	return 0
}

// gather makes a flight of up to n writes.
func (w *writer) gather(n int) *flight {
	f := w.newFlight()
	for size := 0; len(f.writes) < n && size < maxBatchBytes; {
		var buffer []byte
		if used := len(f.writes); cap(f.writes) > used {
			buffer = f.writes[:used+1][used].value
		}
		one, ok := w.take(buffer)
		if !ok {
			break
		}
		f.writes = append(f.writes, one)
		size += len(one.value)
	}
	return f
}

func (w *writer) newFlight() *flight {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.spare) - 1
	if last < 0 {
		return &flight{}
	}
	f := w.spare[last]
	w.spare = w.spare[:last]
	return f
}

// take prepares the first write of those that wait, with the buffer for its value.
func (w *writer) take(buffer []byte) (prepared, bool) {
	for {
		w.mu.Lock()
		if w.again.len() > 0 {
			one := w.again.pop()
			w.mu.Unlock()
			return one, true
		}
		if w.queue.len() == 0 {
			w.mu.Unlock()
			return prepared{}, false
		}
		next := w.queue.pop()
		w.mu.Unlock()
		record, ok := next.Take()
		if !ok {
			continue
		}
		one := prepared{key: next.ID.Tokens(), expected: record.Revision, done: next.Done}
		var err error
		if one.value, err = codec.MsgPack.Append(buffer[:0], record); err != nil {
			one.done(0, fmt.Errorf("encoding the record of %s: %w", next.ID, err), false)
			continue
		}
		return one, true
	}
}

// send sends a flight.
func (w *writer) send(f *flight) {
	n := len(f.writes)
	if n == 0 {
		return
	}
	w.mu.Lock()
	w.last++
	number := w.last
	w.flights[number] = f
	f.sent, f.behind = time.Now(), w.inFlight
	w.inFlight += n
	w.mu.Unlock()
	reply := w.inbox + strconv.FormatUint(number, 36)
	for i, one := range f.writes {
		msg := &nats.Msg{Subject: w.bucket + one.key, Data: one.value, Header: nats.Header{
			jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(one.expected, 10)},
		}}
		if n > 1 {
			msg.Header["Nats-Batch-Id"] = []string{reply[max(0, len(reply)-maxBatchID):]}
			msg.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(i + 1)}
		}
		if i == n-1 {
			msg.Reply = reply
			if n > 1 {
				msg.Header["Nats-Batch-Commit"] = []string{"1"}
			}
		}
		if err := w.nc.PublishMsg(msg); err != nil {
			w.land(number)
			w.finish(f, 0, fmt.Errorf("writing %s: %w: %w", one.key, unknownOutcome(err), err), false)
			return
		}
	}
}

// land takes a flight out of those that are in flight, if it still is.
func (w *writer) land(number uint64) *flight {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.flights[number]
	if f != nil {
		delete(w.flights, number)
		w.inFlight -= len(f.writes)
	}
	return f
}

// end ends the writes that were sent until then, and reports whether there are others.
func (w *writer) end(until time.Time) bool {
	w.mu.Lock()
	var over []*flight
	for number, f := range w.flights {
		if !f.sent.After(until) {
			delete(w.flights, number)
			w.inFlight -= len(f.writes)
			over = append(over, f)
		}
	}
	more := len(w.flights) > 0
	w.mu.Unlock()
	for _, f := range over {
		w.finish(f, 0, ErrOutcomeUnknown, false)
	}
	w.signal()
	return more
}

// answered takes the server's answer to a flight.
func (w *writer) answered(msg *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(msg.Subject, w.inbox), 36, 64)
	if err != nil {
		return // not an answer to anything of ours
	}
	f := w.land(number)
	if f == nil {
		return // given up
	}
	revision, err := parseAck(msg)
	w.mu.Lock()
	refused := err != nil && len(f.writes) > 1
	if refused { // none of them is stored: each is to have its own outcome
		w.pace = pace{never: w.pace.never || errors.Is(err, errNoBatches)}
		w.again.push(f.writes...)
	} else {
		now := time.Now()
		w.pace.answer(f, now)
		if len(f.writes) == 1 {
			w.window.answer(f, now)
		}
	}
	more := w.again.len()+w.queue.len() > 0
	w.mu.Unlock()
	if !refused {
		others, _, _ := w.sub.Pending() // never fails while there are answers
		w.finish(f, revision, err, others > 0)
	}
	if more {
		w.signal()
	}
}

// finish tells the outcome of each write of a flight; the revision is that of the last. More says that those of other
// flights are about to be told.
func (w *writer) finish(f *flight, revision uint64, err error, more bool) {
	for i := range f.writes {
		one, behind := &f.writes[i], len(f.writes)-1-i
		if err != nil {
			one.done(0, err, more || behind > 0)
		} else {
			one.done(revision-uint64(behind), nil, more || behind > 0)
		}
		if one.done = nil; cap(one.value) > keepBuffer {
			one.value = nil
		}
	}
	f.writes = f.writes[:0]
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.spare) < keepFlights {
		w.spare = append(w.spare, f)
	}
}

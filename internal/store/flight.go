package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/wire"
)

// flight is what the server acknowledges as one: a single write or an atomic batch.
type flight struct {
	writes []prepared
	sent   time.Time
	ahead  int  // record writes in flight when it was sent
	apart  bool // not of records
	bucket *bucket
}

// recordWrites is how many writes of records are in a flight.
func (f *flight) recordWrites() int {
	if f.apart {
		return 0
	}
	return len(f.writes)
}

func (w *writer) newFlight() *flight {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.free) - 1
	if last < 0 {
		return &flight{bucket: w.bucket}
	}
	f := w.free[last]
	w.free = w.free[:last]
	f.bucket = w.bucket
	return f
}

// send sends a flight, unless it is empty.
func (w *writer) send(f *flight) {
	if len(f.writes) == 0 {
		return
	}
	if number, err := w.publish(f); err != nil && w.remove(number) != nil {
		w.settle(f, 0, err, false)
	}
}

// publish publishes the messages of a flight, and returns its number.
func (w *writer) publish(f *flight) (number uint64, err error) {
	w.sending.Lock()
	defer w.sending.Unlock()
	w.maxPayload.Store(w.nc.MaxPayload())
	n := len(f.writes)
	w.mu.Lock()
	w.lastNumber++
	number = w.lastNumber
	w.flights[number] = f
	f.sent, f.ahead = time.Now(), w.inFlight
	w.inFlight += f.recordWrites()
	closed := w.closed // then nobody looks for flights that are not acknowledged
	w.mu.Unlock()
	if closed {
		return number, fmt.Errorf("writing %s: %w: %w", f.writes[0].subject, errNotSent, errClosed)
	}
	if why := f.bucket.trouble.why(); why != nil {
		w.inTrouble(f.bucket)
		return number, fmt.Errorf("writing %s: %w: %w", f.writes[0].subject, errNotSent, why)
	}
	if deaf := w.denials.Deaf(); deaf != nil {
		return number, fmt.Errorf("writing %s: %w", f.writes[0].subject, deaf)
	}
	reply := w.inbox + strconv.FormatUint(number, 36)
	for i, one := range f.writes {
		msg := &nats.Msg{Subject: one.subject, Data: one.value, Header: nats.Header{
			jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(one.expected, 10)},
		}}
		maps.Copy(msg.Header, one.header)
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
			return number, fmt.Errorf("writing %s: %w: %w", one.subject, writeError(err), wire.Disconnected(err))
		}
	}
	return number, nil
}

// remove removes a flight from those in flight, and returns it, or nil if it was removed before.
func (w *writer) remove(number uint64) *flight {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.flights[number]
	if f != nil {
		delete(w.flights, number)
		w.inFlight -= f.recordWrites()
	}
	return f
}

// expire ends the writes that were sent until the given time, with an ErrOutcomeUnknown. It reports whether there are
// others.
func (w *writer) expire(until time.Time, why error) bool { return w.expireOf(nil, until, why) }

// expireOf is expire for the writes to one stream, or to all if it is nil.
func (w *writer) expireOf(b *bucket, until time.Time, why error) bool {
	over, more := w.removeSentUntil(b, until)
	for _, f := range over {
		w.forsake(f)
		w.settle(f, 0, why, false)
	}
	w.signal()
	return more
}

// removeSentUntil removes the flights that were sent until the given time, and reports whether there are others.
func (w *writer) removeSentUntil(b *bucket, until time.Time) (over []*flight, more bool) {
	w.sending.Lock() // flights are reused once they are settled
	defer w.sending.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for number, f := range w.flights {
		if !f.sent.After(until) && (b == nil || b == f.bucket) {
			delete(w.flights, number)
			w.inFlight -= f.recordWrites()
			over = append(over, f)
		}
	}
	return over, len(w.flights) > 0
}

// handleAck handles the acknowledgement of a flight.
func (w *writer) handleAck(msg *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(msg.Subject, w.inbox), 36, 64)
	if err != nil {
		return // not one of our flights
	}
	f := w.remove(number)
	if f == nil {
		return // expired
	}
	revision, err := parseAck(msg)
	f.bucket.troubles.heard(err)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		w.bucket.suspect()
	case errors.Is(err, errVanished) && len(f.writes) == 1 && !f.apart:
		w.bucket.vanished(f.writes[0].expected)
	}
	w.mu.Lock()
	refused := err != nil && len(f.writes) > 1
	if refused { // none of them is stored: each is sent again alone and gets its own outcome
		w.policy = batchPolicy{unsupported: w.policy.unsupported || errors.Is(err, errNoBatches)}
	} else if !f.apart {
		now := time.Now()
		w.bucket.reach(revision)
		w.policy.observe(f, now)
		if len(f.writes) == 1 {
			w.window.observe(f, now)
		}
	}
	more := w.retries.Len()+w.queue.Len() > 0
	w.mu.Unlock()
	if refused {
		w.sendApart(f)
	} else {
		others, _, _ := w.sub.Pending() // does not fail while messages arrive
		w.settle(f, revision, err, others > 0)
	}
	if more {
		w.signal()
	}
}

// settle tells each write of a flight its outcome. The revision is that of the last write. More says that the outcomes
// of other flights follow at once.
func (w *writer) settle(f *flight, revision uint64, err error, more bool) {
	for i := range f.writes {
		one, after := &f.writes[i], len(f.writes)-1-i
		if err != nil {
			one.done(Outcome{Err: err, More: more || after > 0})
		} else {
			one.done(Outcome{Revision: revision - uint64(after), More: more || after > 0})
		}
		one.header = nil
		if one.done = nil; f.apart || cap(one.value) > keepBuffer {
			one.value = nil
		}
	}
	f.writes, f.apart = f.writes[:0], false
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.free) < keepFlights {
		w.free = append(w.free, f)
	}
}

// NATS may not allow a write. The server says so at once, by the subject, and the write is certainly not stored.

// deny notes that a write is denied, if one with this subject is in flight.
func (w *writer) deny(subject string, why error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if subject == "" {
		w.deaf = why
		w.denied.Store(true)
		w.signal()
		return false
	}
	for _, f := range w.flights {
		for i := range f.writes {
			if one := &f.writes[i]; one.subject == subject && one.denied == nil {
				one.denied = why
				w.denied.Store(true)
				w.signal()
				return true
			}
		}
	}
	return false
}

// settleDenied ends the flights of which a write is denied. The other writes of a batch are sent again alone: without the one,
// the server stores none of them.
func (w *writer) settleDenied() {
	if !w.denied.Swap(false) {
		return
	}
	w.mu.Lock()
	deaf := w.deaf
	w.deaf = nil
	w.mu.Unlock()
	if deaf != nil {
		w.expire(time.Now(), fmt.Errorf("%w: the acknowledgement cannot be heard: %w", ErrOutcomeUnknown, deaf))
	}
	for _, f := range w.removeDenied() {
		if len(f.writes) == 1 {
			one := f.writes[0]
			w.settle(f, 0, fmt.Errorf("writing %s: %w", one.subject, one.denied), false)
			continue
		}
		w.sendApart(f)
	}
}

// sendApart sends the writes of a batch again, each alone. None of them is stored.
func (w *writer) sendApart(f *flight) {
	if slices.ContainsFunc(f.writes, func(one prepared) bool { return one.denied != nil }) {
		w.forsake(f) // others may be denied too
	}
	for i := range f.writes {
		f.writes[i].denied = nil
	}
	w.enqueuePrepared(f.writes...)
}

func (w *writer) removeDenied() (over []*flight) {
	w.sending.Lock() // as in removeSentUntil
	defer w.sending.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for number, f := range w.flights {
		for i := range f.writes {
			if f.writes[i].denied != nil {
				delete(w.flights, number)
				w.inFlight -= f.recordWrites()
				over = append(over, f)
				break
			}
		}
	}
	return over
}

// forsake is told that nobody waits for the outcome of a flight any more. Its writes may be sent again.
func (w *writer) forsake(f *flight) {
	for i := range f.writes {
		if one := &f.writes[i]; one.denied == nil {
			w.denials.Forsake(one.subject, f.sent)
		}
	}
}

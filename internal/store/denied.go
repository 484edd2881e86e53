package store

import (
	"fmt"
	"slices"
	"time"
)

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

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// Try reads what Recover would read of the journal of a host, which may be running. So a host finds missing permissions
// early.
func (js *Journals) Try(ctx context.Context, host string) error {
	key := journalKeys(host)[0]
	if _, _, err := js.last(ctx, key); err != nil {
		return err
	}
	if _, err := js.readPage(ctx, key, 1, make(map[string]latestChange)); err != nil {
		return fmt.Errorf("reading the journal of %s: %w", host, err)
	}
	return nil
}

// Recover seals the journal of a host that is gone, and brings its changes into the records. When it returns,
// everything that the host was ever told to be stored is in the records. Any number of hosts may call it at the same
// time, and again.
func (js *Journals) Recover(ctx context.Context, host string) error {
	var ends [2]uint64
	for i, key := range journalKeys(host) {
		var err error
		if ends[i], err = js.seal(ctx, key); err != nil {
			return fmt.Errorf("ending the journal of %s: %w", host, err)
		}
	}
	newest := make(map[string]latestChange)
	for i, key := range journalKeys(host) {
		if err := js.read(ctx, key, ends[i], newest); err != nil {
			return fmt.Errorf("reading the journal of %s: %w", host, err)
		}
	}
	if err := js.restore(ctx, newest); err != nil {
		return fmt.Errorf("recovering the journal of %s: %w", host, err)
	}
	return nil
}

// Forget empties a journal that was recovered. It is not urgent: until then, recovering the journal again has the same
// result.
func (js *Journals) Forget(ctx context.Context, host string) error {
	if !pause.For(ctx, emptyAfter) {
		return ctx.Err()
	}
	for _, key := range journalKeys(host) {
		last, state, err := js.last(ctx, key)
		if err == nil && state == journalSealed {
			_, err = js.mark(ctx, key, journalOver, last)
		}
		if err != nil && !errors.Is(err, ErrConflict) { // another host was faster
			return fmt.Errorf("emptying the journal of %s: %w", host, err)
		}
	}
	return nil
}

// latestChange is the newest change of an actor in a journal.
type latestChange struct {
	change
	sequence uint64
}

// seal writes the last message of a journal, and returns its sequence number, or zero if everything is in the records.
func (js *Journals) seal(ctx context.Context, key string) (uint64, error) {
	for {
		last, state, err := js.last(ctx, key)
		switch {
		case err != nil:
			return 0, err
		case state == journalOver:
			return 0, nil
		case state == journalSealed:
			return last, nil
		}
		sequence, err := js.mark(ctx, key, journalSealed, last)
		if err == nil || !errors.Is(err, ErrConflict) { // a conflict: the journal was just written to, or this replica lags
			return sequence, err
		}
		if !pause.For(ctx, time.Millisecond) {
			return 0, ctx.Err()
		}
	}
}

// read reads a journal up to end, and keeps the newest change of each actor. It waits for a replica that lags.
func (js *Journals) read(ctx context.Context, key string, end uint64, newest map[string]latestChange) error {
	for from := uint64(1); from <= end; {
		next, err := js.readPage(ctx, key, from, newest)
		if err != nil || next == recovered {
			return err
		}
		if next == from && !pause.For(ctx, journalRetryPause) {
			return ctx.Err()
		}
		from = next
	}
	return nil
}

// recovered is the position in a journal that somebody else has recovered meanwhile.
const recovered = 0

// readPage reads one page, and returns where the next one starts.
func (js *Journals) readPage(ctx context.Context, key string, from uint64, newest map[string]latestChange) (uint64, error) {
	messages, _, err := js.stream.scanPage(ctx, js.stream.prefix+key, jetstreamext.GetBatchSeq(from), scanMessages, scanBytes)
	if err != nil {
		return from, err
	}
	for _, msg := range messages {
		from = msg.Sequence + 1
		switch state := wire.FirstHeader(msg.Header, headerJournal); state {
		case journalOver:
			return recovered, nil
		case "":
			changes, _ := parseGroup(msg.Data) // an invalid group is not from the host, so the host never reported it as stored
			for _, c := range changes {
				if msg.Sequence >= newest[c.Tokens].sequence {
					newest[c.Tokens] = latestChange{c, msg.Sequence}
				}
			}
		case journalOpen, journalEmptied, journalSealed:
		default:
			return from, fmt.Errorf("message %d has the unknown kind %q", msg.Sequence, state)
		}
	}
	return from, nil
}

// restore writes the changes to those records that still have the revision that the host knew. Other records were
// written later, by the host itself or by a later owner.
func (js *Journals) restore(ctx context.Context, newest map[string]latestChange) error {
	if len(newest) == 0 {
		return nil
	}
	w, err := js.records.ensureWriter()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	left, failed, done := len(newest), error(nil), make(chan struct{})
	writes := make([]prepared, 0, left)
	for _, c := range newest {
		writes = append(writes, prepared{
			subject: js.records.bucket.prefix + c.Tokens, expected: c.Revision, value: c.Record,
			done: func(o Outcome) {
				mu.Lock()
				defer mu.Unlock()
				if !errors.Is(o.Err, ErrConflict) {
					failed = cmp.Or(failed, o.Err)
				}
				if left--; left == 0 {
					close(done)
				}
			},
		})
	}
	w.enqueuePrepared(writes...)
	select {
	case <-done:
		return failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

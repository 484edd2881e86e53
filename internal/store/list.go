package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// entry is a key of a bucket with its value.
type entry struct {
	key      string
	value    []byte
	revision uint64
	created  time.Time // by the server's clock
}

// list yields the live entries whose keys match the filters, as they are while it runs: each at least once, and an
// entry that is written meanwhile perhaps again. An error ends the list.
func (b *bucket) list(ctx context.Context, filters ...string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		var last uint64
		for one, err := range b.watch(ctx, filters) {
			if !yield(one, err) || err != nil {
				return
			}
			last = one.revision
		}
		// The watch counts entries to find its end. A key that is written twice is counted in place of one that the
		// watch has not reached.
		for _, filter := range filters {
			for one, err := range b.revisions(ctx, filter, last+1) {
				if !yield(one, err) || err != nil {
					return
				}
			}
		}
	}
}

// watch yields the newest revisions at the time it starts.
func (b *bucket) watch(ctx context.Context, filters []string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		watch, err := b.startWatch(ctx, filters)
		if err != nil {
			yield(entry{}, fmt.Errorf("listing %s: %w", streamName(b.name()), explain(b.name(), err)))
			return
		}
		defer func() {
			_ = watch.Stop()            // its consumer is ephemeral: the server removes it anyway
			for range watch.Updates() { // a pending sender would block for ever
			}
		}()
		for {
			select {
			case found, ok := <-watch.Updates():
				if !ok || found == nil || !yield(entry{found.Key(), found.Value(), found.Revision(), found.Created()}, nil) {
					return // nil marks the end
				}
			case <-ctx.Done():
				yield(entry{}, ctx.Err())
				return
			}
		}
	}
}

func (b *bucket) startWatch(ctx context.Context, filters []string) (jetstream.KeyWatcher, error) {
	entries, err := b.js.KeyValue(ctx, strings.TrimPrefix(b.name(), "KV_"))
	if err != nil {
		return nil, err
	}
	return entries.WatchFiltered(ctx, slices.Clone(filters), jetstream.IgnoreDeletes())
}

// revisions yields all kept revisions from one on, without deletions. See [bucket.scan].
func (b *bucket) revisions(ctx context.Context, filter string, from uint64) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for msg, err := range b.scan(ctx, b.prefix+filter, jetstreamext.GetBatchSeq(from)) {
			if err != nil {
				yield(entry{}, fmt.Errorf("listing %s: %w", streamName(b.name()), err))
				return
			}
			one := entry{strings.TrimPrefix(msg.Subject, b.prefix), msg.Data, msg.Sequence, msg.Time}
			if !isDeletion(msg.Header) && !yield(one, nil) {
				return
			}
		}
	}
}

// listTimeout bounds a list, which may be long.
const listTimeout = 30 * time.Second

// find returns the entries whose keys match.
func (b *bucket) find(ctx context.Context, filter string) (found []entry, err error) {
	found, err = b.findInOneRequest(ctx, filter)
	if !errors.Is(err, jetstreamext.ErrBatchUnsupported) { // too many for one request
		return found, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	found = nil
	for one, err := range b.list(ctx, filter) {
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

func (b *bucket) findInOneRequest(ctx context.Context, filter string) (found []entry, err error) {
	messages, err := b.lastOfEach(ctx, b.prefix+filter)
	for _, msg := range messages {
		if !isDeletion(msg.Header) {
			found = append(found, entry{strings.TrimPrefix(msg.Subject, b.prefix), msg.Data, msg.Sequence, msg.Time})
		}
	}
	return found, err
}

// lastOfEach reads the last message of each subject that matches a filter, by one request.
func (b *bucket) lastOfEach(ctx context.Context, filter string) (found []*jetstream.RawStreamMsg, err error) {
	ctx, wait := b.reading(ctx, askGet)
	defer func() { err = wait.End(err) }()
	messages, err := jetstreamext.GetLastMsgsFor(ctx, b.js, b.name(), []string{filter})
	if err != nil {
		return nil, err
	}
	for msg, err := range messages {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return found, nil
		case err != nil:
			return nil, err
		}
		found = append(found, msg)
	}
	return found, ctx.Err() // a timeout ends the messages just as their end does
}

// lastOf returns the last message of a subject, or nil. Unlike [bucket.last] it asks on the subject on which many are read.
func (b *bucket) lastOf(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	found, err := b.lastOfEach(ctx, subject)
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking for the last message of %s: %w", subject, err)
	case len(found) == 0:
		return nil, nil
	}
	return found[0], nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
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

// list yields the live entries whose keys match the filters, those that are there when it begins, as they are while it runs:
// each once. An error ends the list.
func (b *bucket) list(ctx context.Context, filters ...string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for _, filter := range filters {
			for msg, err := range b.newestOfEach(ctx, b.prefix+filter) {
				if err != nil {
					yield(entry{}, fmt.Errorf("listing %s: %w", streamName(b.name()), err))
					return
				}
				if !isDeletion(msg.Header) && !yield(b.entry(msg), nil) {
					return
				}
			}
		}
	}
}

// itemsPrefix begins the keys of items, which lists leave out.
const itemsPrefix = "_items."

// newestOfEach yields the last message of each subject that matches a filter, however many there are, but those of items. An error
// ends it. It makes no consumer: whoever may make one, can have the server publish on any subject.
func (b *bucket) newestOfEach(ctx context.Context, filter string) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		subjects, err := b.allSubjects(ctx, filter)
		if err != nil {
			yield(nil, err)
			return
		}
		subjects = slices.DeleteFunc(subjects, func(s string) bool { return strings.HasPrefix(s, b.prefix+itemsPrefix) })
		for page := range pages(subjects) {
			found, err := b.lastOfAll(ctx, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, msg := range found {
				if !yield(msg, nil) {
					return
				}
			}
		}
	}
}

// allSubjects asks the server that leads for the subjects that match a filter, in as many requests as it takes.
func (b *bucket) allSubjects(ctx context.Context, filter string) (all []string, err error) {
	for {
		var page struct {
			Total int `json:"total"`
			State struct {
				Subjects map[string]uint64 `json:"subjects"`
			} `json:"state"`
		}
		if err := b.info(ctx, fmt.Appendf(nil, `{"subjects_filter":%q,"offset":%d}`, filter, len(all)), &page); err != nil {
			return nil, explain(b.name(), err)
		}
		all = slices.AppendSeq(all, maps.Keys(page.State.Subjects))
		if len(page.State.Subjects) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
}

// A server answers a question for the last messages of so many subjects, and no more. The bytes are ours.
const pageSubjects, pageBytes = 1024, 256 << 10

// pages cuts subjects into questions.
func pages(subjects []string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		first, size := 0, 0
		for i, subject := range subjects {
			if i-first == pageSubjects || i > first && size+len(subject) > pageBytes {
				if !yield(subjects[first:i]) {
					return
				}
				first, size = i, 0
			}
			size += len(subject)
		}
		if first < len(subjects) {
			yield(subjects[first:])
		}
	}
}

// lastOfAll reads the last message of each of these subjects, which are no more than a page. Those that have none are left out.
func (b *bucket) lastOfAll(ctx context.Context, subjects []string) (all []*jetstream.RawStreamMsg, err error) {
	for len(subjects) > 0 {
		found, err := b.lastOfEach(ctx, subjects...)
		if err != nil {
			return nil, explain(b.name(), err)
		}
		all = append(all, found...)
		has := make(map[string]bool, len(found))
		for _, msg := range found {
			has[msg.Subject] = true
		}
		var left []string // a server answers with 64 MB at most, and in a cluster any may answer, which may lag
		for _, subject := range subjects {
			if !has[subject] {
				left = append(left, subject)
			}
		}
		if subjects = left; len(found) == 0 {
			break
		}
	}
	if b.stream.CachedInfo().Config.Replicas <= 1 {
		return all, nil
	}
	for _, subject := range subjects {
		msg, err := b.newest(ctx, subject)
		if err != nil {
			return nil, err
		}
		if msg != nil {
			all = append(all, msg)
		}
	}
	return all, nil
}

func (b *bucket) entry(msg *jetstream.RawStreamMsg) entry {
	return entry{strings.TrimPrefix(msg.Subject, b.prefix), msg.Data, msg.Sequence, msg.Time}
}

// revisions yields all kept revisions from one on, without deletions. See [bucket.scan].
func (b *bucket) revisions(ctx context.Context, filter string, from uint64) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for msg, err := range b.scan(ctx, b.prefix+filter, jetstreamext.GetBatchSeq(from)) {
			if err != nil {
				yield(entry{}, fmt.Errorf("listing %s: %w", streamName(b.name()), err))
				return
			}
			if !isDeletion(msg.Header) && !yield(b.entry(msg), nil) {
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
			found = append(found, b.entry(msg))
		}
	}
	return found, err
}

// lastOfEach reads the last message of each subject that matches one of the filters, by one request.
func (b *bucket) lastOfEach(ctx context.Context, filters ...string) (found []*jetstream.RawStreamMsg, err error) {
	ctx, wait := b.reading(ctx, askGet)
	defer func() { err = wait.End(err) }()
	messages, err := jetstreamext.GetLastMsgsFor(ctx, b.js, b.name(), filters)
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

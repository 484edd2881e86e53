package store

import (
	"context"
	"errors"
	"iter"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const scanMessages, scanBytes = 256, 1 << 20 // per request

// scan yields the messages whose subjects match a filter, in order, from start to the end of the stream. A message that
// is written again meanwhile is yielded at its new place. An error ends the scan. In a cluster any replica may reply,
// which may lag.
func (b *bucket) scan(ctx context.Context, filter string, start jetstreamext.GetBatchOpt) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return b.scanBy(ctx, filter, start, scanMessages)
}

// scanBy is scan with so many messages per request.
func (b *bucket) scanBy(
	ctx context.Context, filter string, start jetstreamext.GetBatchOpt, many int,
) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		for end := false; !end; {
			var found []*jetstream.RawStreamMsg
			var err error
			if found, end, err = b.scanPage(ctx, filter, start, many, scanBytes); err != nil {
				yield(nil, err)
				return
			}
			for _, msg := range found {
				if !yield(msg, nil) {
					return
				}
				start = jetstreamext.GetBatchSeq(msg.Sequence + 1)
			}
		}
	}
}

// scanPage reads one page of so many messages and bytes, plus at most one message, and reports whether the stream ends with it.
func (b *bucket) scanPage(
	ctx context.Context, filter string, start jetstreamext.GetBatchOpt, many, most int,
) (found []*jetstream.RawStreamMsg, end bool, err error) {
	ctx, wait := b.reading(ctx, askGet)
	defer func() { err = wait.End(err) }()
	messages, err := jetstreamext.GetBatch(ctx, b.js, b.name(), many, start,
		jetstreamext.GetBatchSubject(filter), jetstreamext.GetBatchMaxBytes(most))
	if err != nil {
		return nil, false, explain(b.name(), err)
	}
	size := 0
	for msg, err := range messages {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return nil, true, nil
		case err != nil:
			return nil, false, explain(b.name(), err)
		}
		found = append(found, msg)
		size += sizeOf(msg)
	}
	late := ctx.Err() // a timeout ends the messages just as their end does
	if late != nil && len(found) == 0 {
		return nil, false, late
	}
	return found, late == nil && len(found) < many && size < most, nil
}

// sizeOf is at least the size that the server counted. The server does not count the headers that say where a message
// comes from.
func sizeOf(msg *jetstream.RawStreamMsg) int {
	size := len(msg.Subject) + len(msg.Data)
	for name, values := range msg.Header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size
}

package store

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const (
	scanMessages, scanBytes = 256, 1 << 20 // of one request, give or take one
	readTimeout             = 5 * time.Second
)

// scan yields the messages of subjects that match a filter, in their order from a start on, up to an instant at which none
// follows the last: what is written again meanwhile is found where it has gone. An error ends it. In a cluster any replica
// may answer, which may be a moment behind.
func (b *bucket) scan(ctx context.Context, filter string, start jetstreamext.GetBatchOpt) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		for end := false; !end; {
			var found []*jetstream.RawStreamMsg
			var err error
			if found, end, err = b.scanPage(ctx, filter, start); err != nil {
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

// scanPage reads what one request gets, and whether the server has come to the end with it.
func (b *bucket) scanPage(
	ctx context.Context, filter string, start jetstreamext.GetBatchOpt,
) (found []*jetstream.RawStreamMsg, end bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(ctx, b.js, b.name(), scanMessages, start,
		jetstreamext.GetBatchSubject(filter), jetstreamext.GetBatchMaxBytes(scanBytes))
	if err != nil {
		return nil, false, err
	}
	size := 0
	for msg, err := range messages {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return nil, true, nil
		case err != nil:
			return nil, false, err
		}
		found = append(found, msg)
		size += sizeOf(msg)
	}
	late := ctx.Err() // which ends the messages like their end does
	if late != nil && len(found) == 0 {
		return nil, false, late
	}
	return found, late == nil && len(found) < scanMessages && size < scanBytes, nil
}

// sizeOf is no less than what the server has counted, which did not count the headers that tell where a message is from.
func sizeOf(msg *jetstream.RawStreamMsg) int {
	size := len(msg.Subject) + len(msg.Data)
	for name, values := range msg.Header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size
}

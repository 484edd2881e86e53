package bus

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

// scan yields the messages of a stream whose subjects match a filter, in their order from a start on, up to an instant at
// which none follows the last: what is written again meanwhile is found where it has gone. An error ends it. In a cluster
// any replica may answer, which may be a moment behind.
func scan(
	ctx context.Context, js jetstream.JetStream, stream, filter string, start jetstreamext.GetBatchOpt,
) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		for more := true; more; {
			messages, size := 0, 0
			for msg, err := range scanSome(ctx, js, stream, filter, start) {
				if !yield(msg, err) || err != nil {
					return
				}
				start = jetstreamext.GetBatchSeq(msg.Sequence + 1)
				messages++
				size += sizeOf(msg)
			}
			more = messages >= scanMessages || size >= scanBytes // or else the server has come to the end
		}
	}
}

// scanSome yields what one request gets.
func scanSome(
	ctx context.Context, js jetstream.JetStream, stream, filter string, start jetstreamext.GetBatchOpt,
) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		messages, err := jetstreamext.GetBatch(ctx, js, stream, scanMessages, start,
			jetstreamext.GetBatchSubject(filter), jetstreamext.GetBatchMaxBytes(scanBytes))
		if err != nil {
			yield(nil, err)
			return
		}
		for msg, err := range messages {
			if errors.Is(err, jetstreamext.ErrNoMessages) || !yield(msg, err) || err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil { // which ends the messages like their end does
			yield(nil, err)
		}
	}
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

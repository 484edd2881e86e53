package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// lastOf returns the last message of a subject, or nil. Unlike [bucket.last] it asks on the subject on which many are read.
func (b *bucket) lastOf(ctx context.Context, subject string) (last *jetstream.RawStreamMsg, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetLastMsgsFor(ctx, b.js, b.name(), []string{subject})
	if err != nil {
		return nil, fmt.Errorf("looking for the last message of %s: %w", subject, err)
	}
	for msg, err := range messages {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return last, nil
		case err != nil:
			return nil, fmt.Errorf("looking for the last message of %s: %w", subject, err)
		}
		last = msg
	}
	return last, ctx.Err() // a timeout ends the messages just as their end does
}

// subjects returns the subjects that a filter matches, with how many messages each has. However many there are, it takes
// one message each way.
func (b *bucket) subjects(ctx context.Context, filter string) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	question := fmt.Appendf(nil, `{"subjects_filter":%q}`, filter)
	reply, err := b.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.INFO."+b.name(), question)
	if err != nil {
		return nil, fmt.Errorf("asking for the subjects %s: %w", filter, err)
	}
	var info struct {
		jetstream.StreamInfo
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &info); err != nil {
		return nil, fmt.Errorf("asking for the subjects %s: %w", filter, err)
	} else if info.Error != nil {
		return nil, fmt.Errorf("asking for the subjects %s: %w", filter, info.Error)
	}
	return info.State.Subjects, nil
}

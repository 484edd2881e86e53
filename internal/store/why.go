package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/link"
)

// hindered returns why nothing can be stored, an [ErrFull], or nil. While it is not nil, it asks again from time to time.
func (b *bucket) hindered(ctx context.Context) error {
	if b.trouble.is.Load() == nil {
		return nil
	}
	return b.findTrouble(ctx)
}

// findTrouble finds out why a write is not answered. It returns nil if that is not known.
func (b *bucket) findTrouble(ctx context.Context) error {
	was := b.trouble.why()
	if b.troubles == nil || !b.trouble.isOld() || !b.trouble.asking.CompareAndSwap(false, true) {
		return was
	}
	defer b.trouble.asking.Store(false)
	why := b.askWhy(ctx, was)
	b.trouble.asked.Store(time.Now().UnixNano())
	if why == nil {
		b.trouble.is.Store(nil)
	} else {
		b.trouble.is.Store(&why)
	}
	return why
}

func (b *bucket) askWhy(ctx context.Context, was error) error {
	failed, err := b.tryPurge(ctx)
	switch {
	case err == nil && failed == nil:
		return nil
	case failed != nil && failed.ErrorCode == codePurgeFailed && failed.Description != storeClosed:
		return &refusal{kind: ErrFull, cause: failed, words: "the server cannot write to its disk: make room there, then restart it"}
	case failed != nil && !unavailable(failed), link.IsRefusal(err), !b.js.Conn().IsConnected():
		return nil
	case was != nil:
		return was
	}
	full := b.troubles.provoke(ctx, b.prefix)
	if full == nil {
		return nil
	}
	return &refusal{kind: ErrFull, words: refusals[codeServerFull].words,
		cause: fmt.Errorf("%w; no server leads %s any more", full, streamName(b.name()))}
}

// tryPurge purges what is not there: a server that cannot write says why, unless the sequence is 1, for which it does not look.
// The error is that there is no answer.
func (b *bucket) tryPurge(ctx context.Context) (*jetstream.APIError, error) {
	question := fmt.Appendf(nil, `{"filter":%q,"seq":2}`, b.prefix+nobody)
	ctx, wait := link.Await(ctx, b.js.Conn(), askPurge+b.name(), askWhyFor)
	reply, err := b.js.Conn().RequestWithContext(ctx, askPurge+b.name(), question)
	if err = wait.End(err); err != nil {
		return nil, err
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	err = json.Unmarshal(reply.Data, &answer)
	return answer.Error, err
}

// unanswered reports whether nobody has said anything to a write.
func unanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const askLeader = "$JS.API.STREAM.MSG.GET."

// newest is [bucket.last] for a caller that must not miss what has just been stored: where there are copies of the stream, it
// asks the one that leads.
func (b *bucket) newest(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	if b.stream.CachedInfo().Config.Replicas <= 1 {
		return b.last(ctx, subject)
	}
	ctx, wait := b.reading(ctx, askLeader)
	reply, err := b.js.Conn().RequestWithContext(ctx, askLeader+b.name(), fmt.Appendf(nil, `{"last_by_subj":%q}`, subject))
	if err = wait.End(err); err != nil {
		return nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, fmt.Errorf("JetStream said %.100q: %w", reply.Data, err)
	}
	if answer.Error != nil {
		if errors.Is(answer.Error, jetstream.ErrMsgNotFound) {
			return nil, nil
		}
		return nil, explain(b.name(), answer.Error)
	}
	one := answer.Message
	found := &jetstream.RawStreamMsg{Subject: one.Subject, Sequence: one.Sequence, Data: one.Data, Time: one.Time}
	if len(one.Header) > 0 {
		if found.Header, err = nats.DecodeHeadersMsg(one.Header); err != nil {
			return nil, fmt.Errorf("the headers of a message on %s: %w", subject, err)
		}
	}
	return found, nil
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// subjects returns the subjects that a filter matches, with how many messages each has. However many there are, it takes
// one message each way.
func (b *bucket) subjects(ctx context.Context, filter string) (map[string]uint64, error) {
	var info jetstream.StreamInfo
	if err := b.info(ctx, fmt.Appendf(nil, `{"subjects_filter":%q}`, filter), &info); err != nil {
		return nil, fmt.Errorf("asking for the subjects %s: %w", filter, err)
	}
	return info.State.Subjects, nil
}

// info asks for what there is to know of the stream. The client library asks in more messages, and leaves out some of it. A
// question about what is in the stream fails with [ErrNoQuorum] if no leader answers that most replicas follow.
func (b *bucket) info(ctx context.Context, question []byte, into any) error {
	ctx, wait := b.reading(ctx, askInfo)
	msg, err := b.js.Conn().RequestWithContext(ctx, askInfo+b.name(), question)
	if err = wait.End(err); err != nil {
		return err
	}
	var refused struct {
		Error   *jetstream.APIError    `json:"error"`
		Cluster *jetstream.ClusterInfo `json:"cluster"`
	}
	if err := errors.Join(json.Unmarshal(msg.Data, &refused), json.Unmarshal(msg.Data, into)); err != nil {
		return fmt.Errorf("JetStream said %.100q: %w", msg.Data, err)
	}
	if refused.Error != nil {
		return refused.Error
	}
	if question != nil && !isLed(refused.Cluster) {
		cause := fmt.Errorf("%s has no leader that most replicas follow", streamName(b.name()))
		return &refusal{kind: ErrNoQuorum, words: noQuorum, cause: cause}
	}
	return nil
}

// isLed reports whether a stream has a leader that most of its replicas can follow. The last server that is up of a cluster answers
// without: at first with what it has, and later as if there were nothing in the stream.
func isLed(cluster *jetstream.ClusterInfo) bool {
	if cluster == nil { // a server alone
		return true
	}
	up := 1
	for _, replica := range cluster.Replicas { // the others
		if !replica.Offline {
			up++
		}
	}
	return cluster.Leader != "" && 2*up > len(cluster.Replicas)+1
}

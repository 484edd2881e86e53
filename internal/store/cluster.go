package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/wire"
)

// codeClusterRequired is JetStream's error number for what only a cluster can do.
const codeClusterRequired = 10010

// ClusterQuestion is the subject by which [Clustered] asks: it asks the leader of a consumer that does not exist to step
// down, which does nothing.
func ClusterQuestion(ns wire.Namespace) string {
	return "$JS.API.CONSUMER.LEADER.STEPDOWN.KV_" + leaseBucket.name(ns) + ".none"
}

// Clustered reports whether JetStream runs on a cluster. The name of a cluster does not say so: a leaf node has one, and
// so may any server. While the cluster elects a leader, Clustered waits, until ctx is done.
func Clustered(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (clustered bool, err error) {
	if nc.ConnectedClusterName() == "" {
		return false, nil
	}
	err = untilAnswered(ctx, func(ctx context.Context) error {
		msg, err := nc.RequestWithContext(ctx, ClusterQuestion(ns), nil)
		if err != nil {
			return err
		}
		var reply struct {
			Error *jetstream.APIError `json:"error"`
		}
		if err := json.Unmarshal(msg.Data, &reply); err != nil {
			return fmt.Errorf("JetStream said %q: %w", msg.Data, err)
		}
		clustered = reply.Error == nil || reply.Error.ErrorCode != codeClusterRequired
		if reply.Error != nil && unavailable(reply.Error) {
			return reply.Error
		}
		return nil
	})
	switch {
	case err == nil:
		return clustered, nil
	case noJetStream(err):
		return false, fmt.Errorf("%w (%w)", ErrNoJetStream, err)
	}
	return false, fmt.Errorf("asking whether JetStream runs on a cluster: %w", err)
}

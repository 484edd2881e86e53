package store

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/wire"
)

// Surveyed is one of the streams of a namespace.
type Surveyed struct {
	Name   string
	Always bool                  // every host makes it
	Info   *jetstream.StreamInfo // nil if it is not there
	Wrong  error                 // why hosts cannot use it
}

// Survey looks at all streams that a namespace may have. It makes none.
func Survey(ctx context.Context, nc *nats.Conn, ns wire.Namespace) ([]Surveyed, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	usual := []jetstream.StreamConfig{ // by purpose
		recordBucket.config(ns, 0), journalConfig(ns, Settings{}), leaseBucket.config(ns, 0),
		subscriptionBucket.config(ns, 0), logConfig(ns, Settings{}), archiveConfig(ns, Settings{}),
		alarmsConfig(ns, Settings{}), queueConfig(ns, Settings{}), laterConfig(ns, Settings{}), deadConfig(ns, Settings{}),
		inOrderConfig(ns, Settings{}),
	}
	found := make([]Surveyed, len(usual))
	for p, config := range usual {
		one := &found[p]
		one.Name, one.Always = config.Name, purpose(p) <= forHosts
		stream, err := findStream(ctx, js, one.Name)
		if err != nil {
			return nil, err
		}
		if stream == nil {
			continue
		}
		one.Info = stream.CachedInfo()
		if purpose(p) == forAnswers { // how long its answers are kept, hosts decide
			config.MaxAge = one.Info.Config.MaxAge
		}
		one.Wrong = purpose(p).check(&one.Info.Config, &config, nil)
	}
	return found, nil
}

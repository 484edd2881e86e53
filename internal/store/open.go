package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/pause"
)

// openTimeout bounds one attempt to open a bucket.
const openTimeout = 3 * time.Second

// openBucket opens a bucket and makes it when there is none, one for atomic batches if they are wanted. One that exists
// is used with the settings it has. A cluster whose leader has just changed may leave a request without an answer, and
// one of its servers may not know yet of a bucket that was made by another, so it is tried again until ctx is done.
func openBucket(ctx context.Context, nc *nats.Conn, config jetstream.KeyValueConfig, batches bool) (*bucket, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	if config.Replicas == 0 {
		config.Replicas = defaultReplicas(nc)
	}
	var b *bucket
	made := false
	err = untilAnswered(ctx, func(ctx context.Context) (err error) {
		b, err = tryOpenBucket(ctx, js, config, batches, &made)
		return notYet(err)
	})
	if err != nil {
		return nil, fmt.Errorf("opening the bucket %s: %w", config.Bucket, err)
	}
	return b, nil
}

// errNotYet marks the errors of a server of a cluster that does not know yet of what another has made.
var errNotYet = errors.New("not there yet")

func notYet(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) {
		return fmt.Errorf("%w: %w", errNotYet, err)
	}
	return err
}

// untilAnswered has try ask the server for something, again as long as it is not answered, or [errNotYet].
func untilAnswered(ctx context.Context, try func(context.Context) error) error {
	for {
		one, cancel := context.WithTimeout(ctx, openTimeout)
		err := try(one)
		cancel()
		again := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errNotYet)
		if !again || !pause.For(ctx, tryAgain) {
			return err
		}
	}
}

// openStream opens a stream, and makes it when there is none. See [openBucket].
func openStream(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (stream jetstream.Stream, err error) {
	err = untilAnswered(ctx, func(ctx context.Context) (err error) {
		stream, err = js.Stream(ctx, config.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			stream, err = js.CreateStream(ctx, config)
			if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another host was faster, with other settings
				stream, err = js.Stream(ctx, config.Name)
			}
		}
		return notYet(err)
	})
	return stream, err
}

// tryOpenBucket notes whether it has made the bucket.
func tryOpenBucket(
	ctx context.Context, js jetstream.JetStream, config jetstream.KeyValueConfig, batches bool, made *bool,
) (*bucket, error) {
	kv, err := js.KeyValue(ctx, config.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, config)
		*made = *made || err == nil
		if errors.Is(err, jetstream.ErrBucketExists) { // another host was faster, with other settings
			kv, err = js.KeyValue(ctx, config.Bucket)
		}
	}
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, "KV_"+config.Bucket)
	if err != nil {
		return nil, err
	}
	if settings := stream.CachedInfo().Config; *made && batches && !settings.AllowAtomicPublish { // KeyValueConfig has no word for it
		settings.AllowAtomicPublish = true
		if stream, err = js.UpdateStream(ctx, settings); err != nil {
			return nil, err
		}
	}
	return &bucket{js: js, stream: stream, prefix: "$KV." + config.Bucket + ".", entries: kv}, nil
}

// defaultReplicas is three in a cluster, so that the loss of one server loses nothing.
func defaultReplicas(nc *nats.Conn) int {
	if nc.ConnectedClusterName() != "" {
		return 3
	}
	return 1
}

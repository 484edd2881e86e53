package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// openTimeout bounds one attempt to open a bucket or a stream.
const openTimeout = 3 * time.Second

// bucketKind describes the buckets for one purpose, in any namespace.
type bucketKind struct {
	suffix      string // of the name, after the namespace
	description string
	deletedTTL  time.Duration // how long the server remembers a deleted key; also allows a TTL on single messages
	batches     bool          // allow atomic batches
}

func (k bucketKind) name(ns wire.Namespace) string { return ns.Name() + "-" + k.suffix }

// open opens a bucket. If there is none, it creates one with this many replicas; zero means [defaultReplicas]. An
// existing bucket keeps its settings. In a cluster a request may get no reply while the leader changes, and a server
// may not know yet of a bucket that another created, so open retries until ctx is done.
func (k bucketKind) open(ctx context.Context, nc *nats.Conn, ns wire.Namespace, replicas int) (b *bucket, err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	if replicas == 0 {
		replicas = defaultReplicas(nc)
	}
	config := jetstream.KeyValueConfig{
		Bucket: k.name(ns), Description: k.description, Replicas: replicas, LimitMarkerTTL: k.deletedTTL,
	}
	made := false
	err = untilAnswered(ctx, func(ctx context.Context) (err error) {
		b, err = tryOpenBucket(ctx, js, config, k.batches, &made)
		return notYet(err)
	})
	switch {
	case err == nil:
		return b, nil
	case noJetStream(err):
		return nil, fmt.Errorf("%w (%w)", ErrNoJetStream, err)
	}
	return nil, fmt.Errorf("opening the bucket %s: %w", config.Bucket, err)
}

// find opens an existing bucket, and returns nil if there is none. It retries until ctx is done.
func (k bucketKind) find(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (b *bucket, err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	err = untilAnswered(ctx, func(ctx context.Context) (err error) {
		b, err = existingBucket(ctx, js, k.name(ns))
		return err
	})
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, jetstream.ErrBucketNotFound):
		return nil, nil
	case noJetStream(err):
		return nil, fmt.Errorf("%w (%w)", ErrNoJetStream, err)
	}
	return nil, fmt.Errorf("opening the bucket %s: %w", k.name(ns), err)
}

// errNotYet marks the error of a cluster server that does not know yet what another server has created.
var errNotYet = errors.New("not there yet")

func notYet(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) {
		return fmt.Errorf("%w: %w", errNotYet, err)
	}
	return err
}

// ErrNoJetStream is the error when the server, or the account of the connection, has no JetStream.
var ErrNoJetStream = errors.New("the NATS server has no JetStream for this account, so it can hold no actors: start it with " +
	"jetstream (nats-server -js), or enable JetStream for the account")

func noJetStream(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)
}

// untilAnswered calls try until it returns something other than a timeout or [errNotYet], at most until ctx is done.
func untilAnswered(ctx context.Context, try func(context.Context) error) error {
	for {
		one, cancel := context.WithTimeout(ctx, openTimeout)
		err := try(one)
		cancel()
		again := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errNotYet)
		if !again || !pause.For(ctx, retryPause) {
			return err
		}
	}
}

// tryOpenBucket sets made if it has created the bucket.
func tryOpenBucket(
	ctx context.Context, js jetstream.JetStream, config jetstream.KeyValueConfig, batches bool, made *bool,
) (*bucket, error) {
	b, err := existingBucket(ctx, js, config.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = js.CreateKeyValue(ctx, config)
		*made = *made || err == nil
		if err == nil || errors.Is(err, jetstream.ErrBucketExists) { // another host was faster, with other settings
			b, err = existingBucket(ctx, js, config.Bucket)
		}
	}
	if err != nil {
		return nil, err
	}
	if settings := b.stream.CachedInfo().Config; *made && batches && !settings.AllowAtomicPublish { // KeyValueConfig lacks this setting
		settings.AllowAtomicPublish = true
		if b.stream, err = js.UpdateStream(ctx, settings); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func existingBucket(ctx context.Context, js jetstream.JetStream, name string) (*bucket, error) {
	kv, err := js.KeyValue(ctx, name)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, "KV_"+name)
	if err != nil {
		return nil, err
	}
	return &bucket{js: js, stream: stream, prefix: "$KV." + name + ".", entries: kv}, nil
}

// openStream opens a stream, and creates it if there is none. See [bucketKind.open].
func openStream(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (stream jetstream.Stream, err error) {
	if config.Replicas == 0 {
		config.Replicas = defaultReplicas(js.Conn())
	}
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

// defaultReplicas is three in a cluster, so that the loss of one server loses nothing, and else one.
func defaultReplicas(nc *nats.Conn) int {
	if nc.ConnectedClusterName() != "" {
		return 3
	}
	return 1
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// openTimeout bounds one attempt to open a bucket or a stream.
const openTimeout = 3 * time.Second

// remakeTimeout bounds one attempt to make one again that was there. A cluster that elects a leader for it may not answer.
const remakeTimeout = time.Second

// bucketKind describes the buckets for one purpose, in any namespace.
type bucketKind struct {
	purpose
	suffix      string // of the name, after the namespace
	description string
	deletedTTL  time.Duration // how long the server remembers a key that has expired
	batches     bool          // allow atomic batches
}

func (k bucketKind) name(ns wire.Namespace) string { return ns.Name() + "-" + k.suffix }

// config are the settings of the stream beneath a bucket.
func (k bucketKind) config(ns wire.Namespace, maxBytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                   "KV_" + k.name(ns),
		Description:            k.description,
		Subjects:               []string{"$KV." + k.name(ns) + ".>"},
		MaxBytes:               maxBytes,
		MaxMsgsPerSubject:      1,
		Discard:                jetstream.DiscardNew,
		DenyDelete:             true,
		AllowRollup:            true,
		AllowDirect:            true,
		AllowMsgTTL:            true,
		SubjectDeleteMarkerTTL: k.deletedTTL,
		AllowAtomicPublish:     k.batches,
	}
}

// open opens a bucket, and creates it if there is none: see [openStream].
func (k bucketKind) open(ctx context.Context, nc *nats.Conn, ns wire.Namespace, s Settings, maxBytes int64) (*bucket, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	return openBucket(ctx, js, k.purpose, k.config(ns, maxBytes), s)
}

// find opens an existing bucket, and returns nil if there is none: see [findStream].
func (k bucketKind) find(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (*bucket, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	stream, err := findStream(ctx, js, "KV_"+k.name(ns))
	if err != nil || stream == nil {
		return nil, err
	}
	return newBucket(js, stream, "$KV."+k.name(ns)+"."), nil
}

// findStream opens an existing stream, and returns nil if there is none. It retries until ctx is done, or JetStream says that
// it cannot tell: whoever asks may ask again.
func findStream(ctx context.Context, js jetstream.JetStream, name string) (stream jetstream.Stream, err error) {
	var cannotTell error
	err = allowed(ctx, js.Conn(), name, func(ctx context.Context) error {
		return untilAnswered(ctx, func(ctx context.Context) (err error) {
			if stream, err = js.Stream(ctx, name); unavailable(err) {
				cannotTell = err
				return nil
			}
			return err
		})
	})
	err = cmp.Or(err, cannotTell)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	return stream, unopened(name, err)
}

// unopened says of an error, if there is one, that a stream could not be opened.
func unopened(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case noJetStream(err):
		return fmt.Errorf("%w (%w)", ErrNoJetStream, err)
	}
	return fmt.Errorf("opening %s: %w", streamName(name), explain(name, err))
}

// errNotYet marks the error of a cluster server that does not know yet what another server has created.
var errNotYet = errors.New("not there yet")

func notYet(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w: %w", errNotYet, err)
	}
	return err
}

func noJetStream(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)
}

// JetStream's error numbers while a cluster starts: it has no leader, or its servers do not all know of each other.
const (
	codeNoLeader = 10008
	codeNoPeers  = 10005
)

// unavailable reports whether a cluster could not answer, and may be able to soon.
func unavailable(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == codeNoLeader || api.ErrorCode == codeNoPeers)
}

// allowed calls try with a context that ends when NATS does not allow what it asks JetStream about a stream, or that stream
// to be made. The error is that denial then.
func allowed(ctx context.Context, nc *nats.Conn, name string, try func(context.Context) error) error {
	guard := link.NewGuard(ctx, nc, func(publish bool, subject string) bool {
		return publish && strings.HasPrefix(subject, "$JS.API.") &&
			(strings.HasSuffix(subject, "."+name) || strings.Contains(subject, "."+name+"."))
	})
	defer guard.End()
	err := try(guard.Context())
	if denied := guard.Err(); denied != nil && err != nil {
		return denied
	}
	return err
}

// untilAnswered calls try until it returns something other than a timeout, [errNotYet] or that the cluster is
// [unavailable], at most until ctx is done.
func untilAnswered(ctx context.Context, try func(context.Context) error) error {
	return attempts(ctx, openTimeout, try)
}

// attempts is untilAnswered with attempts of a certain length.
func attempts(ctx context.Context, length time.Duration, try func(context.Context) error) (err error) {
	for {
		one, cancel := context.WithTimeout(ctx, length)
		last := try(one)
		cancel()
		late := errors.Is(last, context.DeadlineExceeded)
		if err == nil || !late {
			err = last // the reason, if there is one
		}
		if again := late || errors.Is(last, errNotYet) || unavailable(last); !again || !pause.For(ctx, retryPause) {
			return err
		}
	}
}

// openBucket opens a stream with one subject, which ends in a wildcard, as a bucket: see [openStream].
func openBucket(
	ctx context.Context, js jetstream.JetStream, p purpose, config jetstream.StreamConfig, s Settings,
) (*bucket, error) {
	stream, err := openStream(ctx, js, p, config, s, openTimeout)
	if err != nil {
		return nil, err
	}
	b := newBucket(js, stream, strings.TrimSuffix(config.Subjects[0], ">"))
	b.troubles = s.Troubles
	b.remake = func(ctx context.Context) (jetstream.Stream, error) {
		return openStream(ctx, js, p, config, s, remakeTimeout)
	}
	if s.Suspect != nil {
		b.suspect = s.Suspect
	}
	if s.Gone != nil {
		b.gone = s.Gone
	}
	return b, nil
}

// openStream opens a stream and checks its settings. If there is none, it creates one. In a cluster a request may get no
// reply while the leader changes, and a server may not know yet of a stream that another created, so openStream retries
// until ctx is done.
func openStream(
	ctx context.Context, js jetstream.JetStream, p purpose, config jetstream.StreamConfig, s Settings, attempt time.Duration,
) (jetstream.Stream, error) {
	config.Replicas = s.replicas()
	stream, err := ensureStream(ctx, js, config, attempt)
	if err != nil {
		return nil, err
	}
	return stream, p.check(&stream.CachedInfo().Config, &config, s.Logger)
}

// ensureStream is [openStream] without the check.
func ensureStream(
	ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig, attempt time.Duration,
) (stream jetstream.Stream, err error) {
	err = allowed(ctx, js.Conn(), config.Name, func(ctx context.Context) error {
		return attempts(ctx, attempt, func(ctx context.Context) (err error) {
			stream, err = findOrMake(ctx, js, config)
			return err
		})
	})
	return stream, unopened(config.Name, err)
}

func findOrMake(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = makeStream(ctx, js, config)
	}
	return stream, notYet(err)
}

func makeStream(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := js.CreateStream(ctx, config)
	var api *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse): // another host was faster, with other settings
		return js.Stream(ctx, config.Name)
	case errors.As(err, &api) && !unavailable(err):
		return nil, fmt.Errorf("%w (%sdocs/hosts.md says how to make it by hand)", explain(config.Name, err), remedy(api.ErrorCode))
	}
	return stream, err
}

// JetStream's error numbers when an account requires a limit of each stream, or allows only a smaller one; and when a single
// server is to keep copies.
const (
	codeMaxBytesRequired = 10113
	codeMaxBytesExceeded = 10122
	codeNoReplicas       = 10074
)

// remedy says what can be done if a stream cannot be made.
func remedy(code jetstream.ErrorCode) string {
	switch code {
	case codeMaxBytesRequired, codeMaxBytesExceeded:
		return "actorhost.Config has MaxBytes for that; "
	case codeNoReplicas:
		return "the server is no cluster: set Replicas to 1 in actorhost.Config, or let the host ask on $JS.API.CONSUMER.LEADER.STEPDOWN; "
	}
	return ""
}

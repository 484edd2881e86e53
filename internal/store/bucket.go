package store

import (
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

// Errors of a compare-and-set write, for errors.Is.
var (
	// ErrConflict: the key is not at the expected revision, because somebody else has written it.
	ErrConflict = errors.New("the key is not at the expected revision")
	// ErrOutcomeUnknown: the write was sent but not acknowledged. It may be stored now, or later, or never.
	ErrOutcomeUnknown = errors.New("the write was not acknowledged")
)

// JetStream's error numbers: for a compare-and-set that met another revision; for one that met another write of the
// same key in flight (replicated streams); and for a batch to a stream without AllowAtomicPublish.
const (
	codeWrongLastSequence = 10071
	codeWriteInFlight     = 10164
	codeNoBatches         = 10174
)

// writeTimeout bounds one write, including the retries of the client library.
const writeTimeout = 5 * time.Second

// retryPause is the pause after a request that could not be sent.
const retryPause = 20 * time.Millisecond

// bucket is a JetStream KV bucket, used through its stream. Unlike jetstream.KeyValue it tells the revision of a
// deleted key, combines a TTL with an expected revision, and reads and writes with one request each.
type bucket struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	prefix string // of the subjects of its keys

	incarnation
	remake  func(context.Context) (jetstream.Stream, error) // makes the stream again; nil for tools
	suspect func()                                          // is called when the stream seems to be gone
	gone    func(stream string, err error)                  // is called when it is, with nil when it is there again

	troubles *Troubles // nil for tools
	trouble  trouble
}

// newBucket is a bucket that exists, for tools.
func newBucket(js jetstream.JetStream, stream jetstream.Stream, prefix string) *bucket {
	b := &bucket{js: js, stream: stream, prefix: prefix, suspect: func() {}, gone: func(string, error) {}}
	b.made = stream.CachedInfo().Created
	return b
}

// name is the name of the stream.
func (b *bucket) name() string { return b.stream.CachedInfo().Config.Name }

// get reads the newest value of a key. If the key is absent or deleted, value is nil and revision is what a write must
// expect.
func (b *bucket) get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	msg, err := b.last(ctx, b.prefix+key)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("reading %s: %w", key, err)
	case msg == nil:
		return nil, 0, nil
	case isDeletion(msg.Header):
		return nil, msg.Sequence, nil
	}
	return msg.Data, msg.Sequence, nil
}

// readTimeout bounds one read.
const readTimeout = 5 * time.Second

// What is asked of JetStream about a stream, before its name.
const (
	askGet   = "$JS.API.DIRECT.GET."
	askInfo  = "$JS.API.STREAM.INFO."
	askPurge = "$JS.API.STREAM.PURGE."
)

// reading returns a context for one read, which asks JetStream about the stream. It ends after readTimeout: see [link.Await].
func (b *bucket) reading(ctx context.Context, ask string) (context.Context, *link.Wait) {
	return link.Await(ctx, b.js.Conn(), ask+b.name(), readTimeout)
}

// last reads the last message of a subject, or nil.
func (b *bucket) last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, wait := link.Await(ctx, b.js.Conn(), askGet+b.name()+"."+subject, readTimeout)
	msg, err := b.stream.GetLastMsgForSubject(ctx, subject)
	err = wait.End(err)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if errors.Is(err, nats.ErrNoResponders) {
		b.suspect()
	}
	return msg, explain(b.name(), err)
}

// isDeletion reports whether a message is the deletion of its key.
func isDeletion(header nats.Header) bool {
	operation := wire.FirstHeader(header, "KV-Operation")
	return operation == "DEL" || operation == "PURGE" || wire.FirstHeader(header, jetstream.MarkerReasonHeader) != ""
}

// put writes a key that is at the expected revision, and returns the new one. With a ttl (whole seconds) the server
// deletes the key that long after its last write.
func (b *bucket) put(ctx context.Context, key string, value []byte, expected uint64, ttl time.Duration) (uint64, error) {
	return b.write(ctx, &nats.Msg{Subject: b.prefix + key, Data: value}, expected, ttl)
}

// remove deletes a key that is at the expected revision, with its history. After markerTTL no trace of it is left; if there
// is no room for a trace, at once.
func (b *bucket) remove(ctx context.Context, key string, expected uint64, markerTTL time.Duration) error {
	return b.delete(ctx, b.deletion(key), expected, markerTTL)
}

// delete is remove with a message of [bucket.deletion].
func (b *bucket) delete(ctx context.Context, deletion *nats.Msg, expected uint64, markerTTL time.Duration) error {
	_, err := b.write(ctx, deletion, expected, markerTTL)
	if errors.Is(err, ErrFull) {
		return b.purge(ctx, strings.TrimPrefix(deletion.Subject, b.prefix), expected, err)
	}
	return err
}

// deletion is the message that deletes a key.
func (b *bucket) deletion(key string) *nats.Msg {
	msg := nats.NewMsg(b.prefix + key)
	msg.Header.Set("KV-Operation", "PURGE")
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	return msg
}

// purgeTimeout bounds a purge, which NATS may not allow to this user.
const purgeTimeout = 2 * time.Second

// purge is remove without a write. It leaves what somebody has written after the expected revision.
func (b *bucket) purge(ctx context.Context, key string, expected uint64, full error) error {
	asked, wait := link.Await(ctx, b.js.Conn(), askPurge+b.name(), purgeTimeout)
	err := wait.End(b.stream.Purge(asked, jetstream.WithPurgeSubject(b.prefix+key), jetstream.WithPurgeSequence(expected+1)))
	if err != nil {
		return fmt.Errorf("%w; purging %s: %w", full, key, err)
	}
	switch last, err := b.last(ctx, b.prefix+key); {
	case err != nil:
		return fmt.Errorf("purging %s: %w: %w", key, ErrOutcomeUnknown, err)
	case last != nil:
		return fmt.Errorf("purging %s at revision %d: %w", key, expected, ErrConflict)
	}
	return nil
}

// write stores a message whose subject has its last one at the expected revision, and returns the new one. It sends it again
// only when what was sent before was certainly not stored.
func (b *bucket) write(ctx context.Context, msg *nats.Msg, expected uint64, ttl time.Duration) (uint64, error) {
	if why := b.hindered(ctx); why != nil {
		return 0, fmt.Errorf("writing %s: %w: %w", strings.TrimPrefix(msg.Subject, b.prefix), errNotSent, why)
	}
	writing, wait := link.AwaitWrite(ctx, b.js.Conn(), msg.Subject, writeTimeout)
	revision, err := b.tryWrite(writing, msg, expected, ttl)
	if denied := wait.End(err); denied != err { //nolint:errorlint // identity
		return 0, fmt.Errorf("writing %s: %w", strings.TrimPrefix(msg.Subject, b.prefix), denied)
	}
	b.troubles.heard(err)
	if unanswered(err) {
		if why := b.findTrouble(context.WithoutCancel(ctx)); why != nil {
			return 0, fmt.Errorf("%w: %w", err, why)
		}
	}
	return revision, err
}

func (b *bucket) tryWrite(ctx context.Context, msg *nats.Msg, expected uint64, ttl time.Duration) (uint64, error) {
	options := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(expected)}
	if ttl > 0 {
		options = append(options, jetstream.WithMsgTTL(ttl))
	}
	for began := time.Now(); ; {
		ack, err := b.js.PublishMsg(ctx, msg, options...)
		if err == nil {
			b.reach(ack.Sequence)
			return ack.Sequence, nil
		}
		key := strings.TrimPrefix(msg.Subject, b.prefix)
		gone := errors.Is(err, jetstream.ErrNoStreamResponse)
		if gone {
			b.suspect()
			if time.Since(began) >= askWhyAfter && b.findTrouble(ctx) != nil {
				return 0, fmt.Errorf("writing %s: %w: %w", key, errNotSent, err)
			}
		}
		if gone || errors.Is(err, nats.ErrReconnectBufExceeded) {
			if pause.For(ctx, retryPause) { // there is no connection, or no leader of the stream, for a moment
				continue
			}
		}
		var api *jetstream.APIError
		if !errors.As(err, &api) {
			return 0, fmt.Errorf("writing %s: %w: %w", key, writeError(err), explain(b.name(), err))
		}
		switch api.ErrorCode {
		case codeWriteInFlight:
			if !pause.For(ctx, time.Millisecond) {
				return 0, fmt.Errorf("writing %s: %w: %w", key, ErrOutcomeUnknown, err)
			}
		case codeWrongLastSequence:
			return 0, fmt.Errorf("writing %s at revision %d: %w", key, expected, ErrConflict)
		default:
			return 0, fmt.Errorf("writing %s: %w", key, explain(b.name(), err))
		}
	}
}

// errNotSent is the error of a write that certainly did not reach the server.
var errNotSent = errors.New("not sent")

func writeError(err error) error {
	for _, notSent := range []error{
		nats.ErrReconnectBufExceeded, nats.ErrConnectionClosed, nats.ErrMaxPayload,
		nats.ErrNoResponders, jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, notSent) {
			return errNotSent
		}
	}
	return ErrOutcomeUnknown
}

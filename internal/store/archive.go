package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/internal/wire"
)

// Archive is the stream with the answers that actors have given and no longer have in their records: blocks of bytes,
// which only the actor that appended one understands. The stream is made with the first block, because many hosts
// append none. Blocks that come together travel as one message, for one message costs the server as much as another.
// It is safe for concurrent use.
type Archive struct {
	nc      *nats.Conn
	config  jetstream.StreamConfig // its subject is a pattern
	ctx     context.Context        //nolint:containedctx // it ends with the archive
	cancel  context.CancelFunc
	wake    chan struct{} // an idle sender
	refused atomic.Pointer[error]
	running sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	queue     queue.FIFO[waitingBlock]
	queued    int            // bytes in the queue
	inFlight  int            // groups
	idle      int            // senders that wait for one
	stream    *archiveStream // nil: it is not known whether there is one
	forgotten bool           // a stream that was known is no more
	logger    *slog.Logger   // is told of the first stream; nil after that
}

// archiveStream is a stream of answers. One that is deleted and made again has another subject, so nothing is written
// to it or read from it by mistake. It has only one, because the server remembers each.
type archiveStream struct {
	jetstream.Stream
	subject string
	acks    []byte // how its acknowledgements begin
	made    int64  // as in a Ref
	samples samples
}

// Ref is where a block is.
type Ref struct {
	Made     int64  // when the stream was made: see [Archive.Made]. Zero, where it was not kept, is any stream
	Sequence uint64 // of the message in the stream
	Offset   uint32 // of the block within the message
}

// ArchiveQuestion is the subject on which [Archive.Check] asks.
func ArchiveQuestion(ns wire.Namespace) string { return "$JS.API.STREAM.INFO." + archiveName(ns) }

func archiveName(ns wire.Namespace) string { return ns.Name() + "-answers" }

// NewArchive returns the archive of a namespace. Once its stream is full, blocks are refused.
func NewArchive(nc *nats.Conn, ns wire.Namespace, s Settings) *Archive {
	a := &Archive{
		nc: nc, logger: s.Logger, wake: make(chan struct{}, maxAnswersInFlight), config: archiveConfig(ns, s),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

func archiveConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        archiveName(ns),
		Description: "Answers to calls, which actors remember for a while",
		Subjects:    []string{ns.Name() + ".answers.*"},
		MaxAge:      s.KeepAnswers,
		MaxBytes:    s.MaxBytes.Answers,
		Replicas:    s.replicas(),
		Discard:     jetstream.DiscardNew,
		AllowDirect: true,
	}
}

// Made identifies the stream: the time of its creation, in nanoseconds since 1970. It is zero if there is no stream.
// A stream that was deleted and made again has another time, and nothing of what was appended before. The server is
// asked only once, and again after Append or Read has found another stream or none.
func (a *Archive) Made(ctx context.Context) (int64, error) {
	stream, err := a.find(ctx)
	if err != nil || stream == nil {
		return 0, err
	}
	return stream.made, nil
}

// Check returns an error if there is a stream which cannot be used. It retries until ctx is done.
func (a *Archive) Check(ctx context.Context) error {
	return untilAnswered(ctx, func(ctx context.Context) error {
		_, err := a.Made(ctx)
		return err
	})
}

// Refused says why blocks are refused, for a reason that lasts: see [Lasts]. It is nil when the last one was not.
func (a *Archive) Refused() error {
	if why := a.refused.Load(); why != nil {
		return *why
	}
	return nil
}

// Close ends the archive. Blocks in flight get [ErrOutcomeUnknown], and those that wait another error.
func (a *Archive) Close() {
	a.mu.Lock()
	a.closed = true
	waiting := a.queue.Drain()
	a.mu.Unlock()
	a.cancel()
	a.running.Go(func() {
		for _, one := range waiting {
			one.done(Ref{}, fmt.Errorf("appending answers: %w: %w", errNotSent, errArchiveClosed))
		}
	})
	a.running.Wait()
}

var errArchiveClosed = errors.New("the archive of answers is closed")

// find returns the stream, or nil if there is none.
func (a *Archive) find(ctx context.Context) (*archiveStream, error) {
	stream, err := a.open(func(js jetstream.JetStream) (jetstream.Stream, error) { return js.Stream(ctx, a.config.Name) })
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	return stream, err
}

// ensure returns the stream, and makes it if there is none.
func (a *Archive) ensure(ctx context.Context) (*archiveStream, error) {
	return a.open(func(js jetstream.JetStream) (jetstream.Stream, error) {
		if a.hasForgotten() {
			pause.For(ctx, afterDeletion)
		}
		config := a.config
		config.Subjects = []string{strings.Replace(config.Subjects[0], "*", rand.Text()[:12], 1)}
		return ensureStream(ctx, js, config, openTimeout)
	})
}

// open returns the stream if it is known, and else the one that look finds.
func (a *Archive) open(look func(jetstream.JetStream) (jetstream.Stream, error)) (*archiveStream, error) {
	a.mu.Lock()
	known := a.stream
	a.mu.Unlock()
	if known != nil {
		return known, nil
	}
	js, err := jetstream.New(a.nc)
	if err != nil {
		return nil, fmt.Errorf("using JetStream: %w", err)
	}
	stream, err := look(js)
	if err != nil {
		return nil, fmt.Errorf("opening the archive of answers: %w", err)
	}
	info := stream.CachedInfo()
	if err := forAnswers.check(&info.Config, &a.config, a.takeLogger()); err != nil {
		return nil, err
	}
	opened := &archiveStream{
		Stream: stream, subject: info.Config.Subjects[0], made: info.Created.UnixNano(),
		acks: []byte(`{"stream":"` + info.Config.Name + `"`),
	}
	opened.samples.addLast(info)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stream == nil {
		a.stream = opened
	}
	return a.stream, nil
}

// takeLogger returns the logger, once.
func (a *Archive) takeLogger() *slog.Logger {
	a.mu.Lock()
	defer a.mu.Unlock()
	logger := a.logger
	a.logger = nil
	return logger
}

// forget makes the archive look for the stream again, which is no longer this one.
func (a *Archive) forget(stream *archiveStream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stream == stream {
		a.stream, a.forgotten = nil, true
	}
}

func (a *Archive) hasForgotten() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.forgotten
}

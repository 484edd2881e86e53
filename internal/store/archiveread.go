package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/pause"
)

// ErrBeyondEnd is the error when a block is lost: the stream ends before it, is another one, is gone, or was purged.
var ErrBeyondEnd = errors.New("the archive of answers ends before that")

const (
	maxArchiveReads = 32                   // at once
	lagPause        = 5 * time.Millisecond // before a replica that lags is asked again
)

// Read reads blocks, all at once. It returns them in the order of the refs; they may share memory. A block that is too
// old to be kept is nil. A replica that lags is asked again, for seconds. The error is [ErrBeyondEnd],
// [ErrBadAnswers] or one of the server or the connection; it ends all reads.
func (a *Archive) Read(ctx context.Context, refs ...Ref) ([][]byte, error) {
	ctx, wait := link.Await(ctx, a.nc, askGet+a.config.Name, readTimeout) // a reply may be lost with its server
	blocks, err := a.read(ctx, refs)
	if err = wait.End(err); err != nil {
		return nil, fmt.Errorf("reading answers: %w", err)
	}
	return blocks, nil
}

func (a *Archive) read(ctx context.Context, refs []Ref) ([][]byte, error) {
	stream, err := a.streamOf(ctx, refs)
	if err != nil {
		return nil, err
	}
	blocks := make([][]byte, len(refs))
	messages := make(map[uint64][]int) // the refs to each
	for i, ref := range refs {
		messages[ref.Sequence] = append(messages[ref.Sequence], i)
	}
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(maxArchiveReads)
	for sequence, places := range messages {
		reading.Go(func() error {
			group, found, err := a.message(ctx, stream, sequence)
			for _, i := range places {
				if err == nil && found {
					blocks[i], err = blockAt(group, refs[i].Offset)
				}
			}
			if err != nil {
				return fmt.Errorf("at %d: %w", sequence, err)
			}
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	return blocks, nil
}

// streamOf returns the stream with these blocks.
func (a *Archive) streamOf(ctx context.Context, refs []Ref) (*archiveStream, error) {
	stream, err := a.find(ctx)
	if err == nil && !stream.has(refs) { // perhaps another one was made since
		a.forget(stream)
		stream, err = a.find(ctx)
	}
	if err == nil && !stream.has(refs) {
		return nil, ErrBeyondEnd
	}
	return stream, err
}

// has reports whether none of the blocks was in another stream. It may be called for no stream.
func (s *archiveStream) has(refs []Ref) bool {
	return !slices.ContainsFunc(refs, func(ref Ref) bool { return s == nil || ref.Made != 0 && ref.Made != s.made })
}

// message reads a message. With found false it is no longer kept.
func (a *Archive) message(ctx context.Context, stream *archiveStream, sequence uint64) (data []byte, found bool, err error) {
	for {
		msg, err := stream.GetMsg(ctx, sequence)
		switch {
		case err == nil && msg.Subject == stream.subject:
			return msg.Data, true, nil
		case err == nil:
			a.forget(stream)
			return nil, false, ErrBeyondEnd
		case !errors.Is(err, jetstream.ErrMsgNotFound) && !noJetStream(err):
			return nil, false, err
		}
		if mayFollow, err := a.mayHave(ctx, stream, sequence); err != nil || !mayFollow {
			return nil, false, err
		}
		if !pause.For(ctx, lagPause) {
			return nil, false, ctx.Err()
		}
	}
}

// mayHave asks the stream's leader whether it has a message that was not found.
func (a *Archive) mayHave(ctx context.Context, stream *archiveStream, sequence uint64) (bool, error) {
	asked, wait := link.Await(ctx, a.nc, askInfo+a.config.Name, readTimeout)
	info, err := stream.Info(asked, jetstream.WithDeletedDetails(true))
	err = wait.End(err)
	switch {
	case err != nil && !errors.Is(err, jetstream.ErrStreamNotFound):
		return false, err
	case err != nil, info.Created.UnixNano() != stream.made, sequence > info.State.LastSeq:
		a.forget(stream)
		return false, ErrBeyondEnd
	case sequence < info.State.FirstSeq && stream.samples.purged(info.State.FirstSeq, info.Config.MaxAge):
		return false, fmt.Errorf("%w: it was purged", ErrBeyondEnd)
	}
	return sequence >= info.State.FirstSeq && !slices.Contains(info.State.Deleted, sequence), nil
}

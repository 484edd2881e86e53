package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/internal/pause"
)

// ErrBeyondEnd: the block is lost. The stream ends before it, or is another one, which was made later.
var ErrBeyondEnd = errors.New("the archive of answers ends before that")

const (
	maxArchiveReads = 32                   // at once
	lagPause        = 5 * time.Millisecond // before a replica that lags is asked again
)

// Read reads blocks, all at once. It returns them in the order of the refs; they may share memory. A block that is too
// old to be kept is nil, and so is each if there is no stream. A replica that lags is asked again until ctx is done.
// The error is [ErrBeyondEnd], [ErrBadAnswers] or one of the server or the connection; it ends all reads.
func (a *Archive) Read(ctx context.Context, refs ...Ref) ([][]byte, error) {
	stream, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	blocks := make([][]byte, len(refs))
	if stream == nil {
		return blocks, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer onDisconnect(a.nc, cancel)()
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
				return fmt.Errorf("reading answers at %d: %w", sequence, err)
			}
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	return blocks, nil
}

// message reads a message. With found false it is no longer kept.
func (a *Archive) message(ctx context.Context, stream *archiveStream, sequence uint64) (data []byte, found bool, err error) {
	for {
		msg, err := stream.GetMsg(ctx, sequence)
		switch {
		case err == nil && msg.Subject == stream.subject:
			return msg.Data, true, nil
		case err == nil:
			a.forget()
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
	info, err := stream.Info(ctx, jetstream.WithDeletedDetails(true))
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		a.forget()
		return false, nil
	case err != nil:
		return false, err
	case !info.Created.Equal(stream.made), sequence > info.State.LastSeq:
		a.forget()
		return false, ErrBeyondEnd
	}
	return sequence >= info.State.FirstSeq && !slices.Contains(info.State.Deleted, sequence), nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/pause"
)

// afterDeletion is the pause before a stream that is gone is made again. The server says that it is gone before it is done with
// its files: one that is made meanwhile takes no messages.
const afterDeletion = 500 * time.Millisecond

// Replaced says that a stream is not the one that it was. What it had is lost, or has gone back.
type Replaced struct {
	Stream string // as people call it
	How    string
	Anew   bool   // it is another stream, and not an older copy
	Last   uint64 // sequence of what there was when it was noticed
}

var errGone = errors.New("somebody has deleted it, or its storage is lost: it is made again, empty")

// errCannotRemake is of a bucket that a tool has opened, which makes nothing.
var errCannotRemake = errors.New("only a host makes it")

// check is [Records.Check].
func (b *bucket) check(ctx context.Context) (*Replaced, error) {
	b.incarnation.mu.Lock()
	defer b.incarnation.mu.Unlock()
	asked, wait := b.reading(ctx, askInfo)
	reached := b.reached.Load() // before the stream is asked, for it grows
	stream, err := b.js.Stream(asked, b.name())
	err = wait.End(err)
	found := &Replaced{Stream: streamName(b.name())}
	gone := errors.Is(err, jetstream.ErrStreamNotFound)
	if gone {
		b.gone(found.Stream, errGone)
		pause.For(ctx, afterDeletion)
		found.How = "it is gone, and was made again"
		if stream, err = b.makeAgain(ctx); err != nil {
			err = fmt.Errorf("%s is gone, and cannot be made again: %w", found.Stream, err)
			b.gone(found.Stream, err)
			return nil, err
		}
		b.gone(found.Stream, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", found.Stream, err)
	}
	info := stream.CachedInfo()
	switch {
	case gone:
	case !info.Created.Equal(b.made):
		found.How = "it was deleted, and made again at " + info.Created.UTC().Format(time.RFC3339)
	case info.State.LastSeq < reached:
		found.How = fmt.Sprintf("it was put back to an older copy, from %d to %d", reached, info.State.LastSeq)
	default:
		if purged, err := b.purged(ctx, info.State.FirstSeq); err != nil || !purged {
			return nil, err
		}
		found.How = fmt.Sprintf("it was purged, up to %d", info.State.FirstSeq-1)
	}
	found.Anew, found.Last = !info.Created.Equal(b.made), info.State.LastSeq
	b.made = info.Created
	b.reached.Store(info.State.LastSeq)
	return found, nil
}

func (b *bucket) makeAgain(ctx context.Context) (jetstream.Stream, error) {
	if b.remake == nil {
		return nil, errCannotRemake
	}
	return b.remake(ctx)
}

// vanished is told of a message that is not there any more.
func (b *bucket) vanished(revision uint64) {
	if revision > 0 {
		b.witness.Store(&witness{"", revision})
		b.suspect()
	}
}

// purged reports whether somebody has purged the stream.
func (b *bucket) purged(ctx context.Context, first uint64) (bool, error) {
	w := b.witness.Load()
	if w == nil {
		return false, nil
	}
	gone := w.subject == ""
	if !gone {
		last, err := b.lastOf(ctx, w.subject)
		if err != nil || last != nil && last.Sequence == w.revision {
			return false, err
		}
		gone = last == nil
	}
	b.witness.CompareAndSwap(w, nil)
	return gone && first > w.revision, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/pause"
)

// Whatever comes from a stream as a number counts for that stream alone. A stream that was deleted and made again, or put
// back to an older copy, has the same name and counts from below: what a host remembers of it is worth nothing.

// StreamAdvisories is where JetStream says that a stream was made, deleted or put back. The last token is its name.
const StreamAdvisories = "$JS.EVENT.ADVISORY.STREAM.*.*"

// afterDeletion is the pause before a stream that is gone is made again. The server says that it is gone before it is done with
// its files: one that is made meanwhile takes no messages.
const afterDeletion = 500 * time.Millisecond

// incarnation is which stream it is, and how far it has come. It is safe for concurrent use.
type incarnation struct {
	reached atomic.Uint64 // a sequence that is certainly stored

	mu   sync.Mutex
	made time.Time
}

// madeAt is when the stream was made, which no other has.
func (i *incarnation) madeAt() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.made.UTC().Format(time.RFC3339Nano)
}

// reach notes that a message is stored.
func (i *incarnation) reach(sequence uint64) {
	for reached := i.reached.Load(); sequence > reached; reached = i.reached.Load() {
		if i.reached.CompareAndSwap(reached, sequence) {
			return
		}
	}
}

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
		return nil, nil //nolint:nilnil // there is nothing to say
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

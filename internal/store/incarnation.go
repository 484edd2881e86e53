package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Whatever comes from a stream as a number counts for that stream alone. A stream that was deleted and made again, or put
// back to an older copy, has the same name and counts from below: what a host remembers of it is worth nothing.

// StreamAdvisories is where JetStream says that a stream was made, deleted or put back. The last token is its name.
const StreamAdvisories = "$JS.EVENT.ADVISORY.STREAM.*.*"

// incarnation is which stream it is, and how far it has come. It is safe for concurrent use.
type incarnation struct {
	reached atomic.Uint64 // a sequence that is certainly stored

	witness atomic.Pointer[witness]

	mu   sync.Mutex
	made time.Time
}

// witness is a message that was there. If it is not any more, and has left no trace, as what is deleted does for an hour, then
// somebody has purged the stream: nothing else tells of that.
type witness struct {
	subject  string // empty: it is known to be gone
	revision uint64
}

// errVanished is the error of a write to a key that had a message, and has none, not even the trace of one.
var errVanished = fmt.Errorf("%w: there is nothing, and no trace of anything: it was purged", ErrConflict)

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

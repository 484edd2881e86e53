package calls

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// hostWatch tells calls that wait at a host whether it is still there: when it dies, nobody else would say so. It asks a
// host for all of them together, and only as long as there are any.
type hostWatch struct {
	requester *rpc.Requester
	ns        wire.Namespace

	mu   sync.Mutex
	seen map[string]seen // by id
}

type seen struct {
	next   time.Time // when the host may be asked again
	gone   bool
	silent time.Duration // the pause after a ping that was not answered
}

const (
	// A call that waits asks this often whether its host is there, and waits as long for word of it.
	pingEvery = 75 * time.Millisecond
	// A host that says nothing has just died, or is frozen: it is asked less and less, down to this often, and the call finds
	// out by being sent again.
	pingSilentEvery = 2 * time.Second
	// A host that this program must not ask is asked this often: the server writes down each time that it does not allow it.
	pingDeniedEvery = time.Minute
	// maxSeen bounds the memory of hosts; beyond it all are asked anew.
	maxSeen = 1024
)

// gone reports whether NATS says that a host is not there. It may be wrong, for a moment, on a cluster or while a host
// reconnects: a reason to send a call again, and no more.
func (w *hostWatch) gone(ctx context.Context, host string) bool {
	now := time.Now()
	w.mu.Lock()
	known := w.seen[host]
	if now.Before(known.next) {
		w.mu.Unlock()
		return known.gone
	}
	if w.seen == nil || len(w.seen) >= maxSeen {
		w.seen = make(map[string]seen)
	}
	known.next = now.Add(pingEvery) // nobody else asks meanwhile
	w.seen[host] = known
	w.mu.Unlock()

	_, err := w.requester.Do(ctx, &wire.Message{Subject: w.ns.Ping(host)}, pingEvery)
	switch known.gone = errors.Is(err, nats.ErrNoResponders); {
	case err == nil || known.gone:
		known.silent = 0
	case errors.Is(err, troupe.ErrDenied):
		known.next = now.Add(pingDeniedEvery)
	default:
		known.next = now.Add(pingEvery + known.silent)
		known.silent = min(2*known.silent+pingEvery, pingSilentEvery)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[host] = known
	return known.gone
}

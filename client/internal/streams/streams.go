// Package streams reads the streams of a client.
package streams

import (
	"context"
	"iter"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// credit is how many items may be on their way to a reader. For each half of them it says what it has handled, and else now and then.
const credit = 4096

// messages is how many messages wait for a reader at most, those without items included. Hosts keep to the credit.
const messages = credit + 64

// Streams are the streams that a client reads.
type Streams struct {
	nc    *nats.Conn
	ns    wire.Namespace
	calls *calls.Sender

	mu     sync.Mutex
	open   map[*reading]struct{}
	closed error
}

// New returns the streams of a new client.
func New(nc *nats.Conn, ns wire.Namespace, sender *calls.Sender) *Streams {
	return &Streams{nc: nc, ns: ns, calls: sender, open: make(map[*reading]struct{})}
}

// Fail ends all streams, and refuses others.
func (s *Streams) Fail(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = why
	for r := range s.open {
		r.cancel(why)
	}
}

func (s *Streams) add(r *reading) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != nil {
		return s.closed
	}
	s.open[r] = struct{}{}
	return nil
}

func (s *Streams) remove(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, r)
}

// Read reads a stream: see [troupe.Stream.Call].
func (s *Streams) Read(ctx context.Context, request troupe.StreamRequest) iter.Seq2[func(any) error, error] {
	return func(yield func(func(any) error, error) bool) {
		inbox := s.nc.NewInbox()
		guard := link.NewGuard(ctx, s.nc, func(publish bool, subject string) bool {
			return publish && s.ns.IsStream(subject) || !publish && (subject == inbox || subject == "")
		})
		defer guard.End()
		r := &reading{all: s, request: &request, inbox: make(chan *nats.Msg, messages)}
		r.ctx, r.cancel = context.WithCancelCause(guard.Context())
		defer r.cancel(nil)
		if err := r.read(inbox, yield); err != nil {
			yield(nil, r.failure(err))
		}
	}
}

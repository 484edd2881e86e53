// Package calls sends calls to actors, each until it is answered or its time is over.
package calls

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// Call is one call.
type Call struct {
	troupe.Invocation
	Inbox  string         // of a call that connects, or opens a stream: where the actor sends what is for that
	Credit int            // of a call that opens a stream: how many items may be on their way
	header wire.CarriedBy // what an interceptor has set; nil: what the turn has that makes the call
}

// Sender sends the calls of one client. It is safe for concurrent use.
type Sender struct {
	nc        *nats.Conn
	ns        wire.Namespace
	requester *rpc.Requester
	codec     codec.Codec
	intercept troupe.Interceptor
	timeout   time.Duration // of a call whose context has no deadline
	resent    atomic.Uint64
	served    nameSet // the types that hosts have answered for, or run
	knowsType func(ctx context.Context, actorType string) bool
	ways      *knownWays
	hosts     hostWatch

	unanswered atomic.Int64 // the weights of the calls that are under way
}

// Intercept has calls made within an interceptor. It is called before the first.
func (s *Sender) Intercept(by troupe.Interceptor) { s.intercept = by }

// NewSender returns a sender on a connection. It must be closed. Of a type that no host has answered for, knowsType tells
// whether hosts have run it.
func NewSender(
	nc *nats.Conn, ns wire.Namespace, as codec.Codec, timeout time.Duration, knowsType func(context.Context, string) bool,
) (*Sender, error) {
	requester, err := rpc.NewRequester(nc)
	if err != nil {
		return nil, err
	}
	requester.Coalesce(ns)
	return &Sender{
		nc: nc, ns: ns, requester: requester, codec: as, timeout: timeout,
		knowsType: knowsType, ways: newKnownWays(nc),
		hosts: hostWatch{requester: requester, ns: ns},
	}, nil
}

// isServed reports whether hosts run a type, be it that none is up.
func (s *Sender) isServed(ctx context.Context, actorType string) bool {
	if s.served.has(actorType) {
		return true
	}
	known := s.knowsType(ctx, actorType)
	if known {
		s.served.add(actorType)
	}
	return known
}

// Resent is how often calls were sent again.
func (s *Sender) Resent() uint64 { return s.resent.Load() }

// Close fails the calls that wait.
func (s *Sender) Close() error {
	s.ways.close()
	return s.requester.Close()
}

package presence

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/actorhost/internal/clock"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Config configures a Presence. All fields are required.
type Config struct {
	Conn      *nats.Conn // for calls
	Control   *nats.Conn // for the lease, and for pings of other hosts; may be the same
	Namespace wire.Namespace
	Requester *rpc.Requester
	Asker     *rpc.Requester // on Control
	Records   *store.Records
	Journals  *store.Journals
	Leases    *store.Hosts
	Clock     *clock.Clock
	Logger    *slog.Logger
	Faults    *faultlog.Log

	Name                 string   // of the host, for people
	Types                []string // of actors that the host runs, sorted
	Durable              bool     // one of them has durable subscriptions
	Program              string   // as in [store.HostEntry]
	Lease                time.Duration
	LeaseGrows           bool // with the number of hosts
	TakeoverOnDisconnect bool

	Inbox           chan *nats.Msg // receives calls and requests to the host
	ServiceRequests chan *nats.Msg // receives NATS service requests

	Ctx       context.Context //nolint:containedctx // the life of the host
	UntilStop context.Context //nolint:containedctx // ends when the host begins to stop; a session lost after that is not replaced
	Go        func(func())    // runs a goroutine of the host
	Evict     func()          // ends all activations of a lost session; must not block
	Lapse     func(over bool) // is told that the lease has run out, though it may not be lost, and that it is back; must not block
	// Verify is called before the lease is renewed that was held while the connection was lost. If it returns
	// store.ErrConflict, the lease is lost.
	Verify func(context.Context) error
}

// runs reports whether the host runs actors of a type.
func (c *Config) runs(actorType string) bool {
	_, found := slices.BinarySearch(c.Types, actorType)
	return found
}

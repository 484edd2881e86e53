package presence

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/actorhost/internal/clock"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Config is what a Presence needs of its host. All of it must be given.
type Config struct {
	Conn      *nats.Conn
	Namespace wire.Namespace
	Requester *rpc.Requester
	Records   *store.Records
	Journals  *store.Journals
	Leases    *store.Hosts
	Clock     *clock.Clock
	Logger    *slog.Logger

	Name                 string   // of the host, for people
	Types                []string // of the actors that it runs, sorted
	Lease                time.Duration
	TakeoverOnDisconnect bool

	Inbox           chan *nats.Msg // takes calls, and what the host is asked
	ServiceRequests chan *nats.Msg // takes what all services are asked

	Ctx       context.Context //nolint:containedctx // the life of the host
	UntilStop context.Context //nolint:containedctx // ends as the host begins to stop: a lost session has no successor then
	Go        func(func())    // runs a goroutine of the host
	Evict     func()          // drops all that the host held in a session that is lost; must not block
}

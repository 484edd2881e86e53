package actorhost

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/actorhost/internal/agenda"
	"github.com/troupe-go/troupe/actorhost/internal/clock"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/crash"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/actorhost/internal/pool"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/actorhost/internal/streams"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// env is what activations know of their host. It is complete before the first activation, and does not change.
type env struct {
	nc         *nats.Conn
	control    *nats.Conn // for the lease and all that is stored: see [connectControl]
	ns         wire.Namespace
	config     *Config
	actorLog   *slog.Logger // for what actors say: without a limit
	ownLog     *slog.Logger // that of the config, also once the connection is closed, which silences that
	faults     *faultlog.Log
	clock      *clock.Clock
	records    *store.Records
	commits    commit.Host
	client     *client.Client
	origin     origin.Host // of calls made by the host's actors
	requester  *rpc.Requester
	asker      *rpc.Requester // asks other hosts whether they are up, on the control connection
	presence   *presence.Presence
	out        *outlet.Outlet
	ready      *pool.Pool[*activation]
	inbox      chan *nats.Msg
	caller     atomic.Pointer[origin.Replies] // takes the replies to the calls of the host's actors: see [dispatcher.take]
	clients    *presence.Clients[actorConnection]
	agenda     *agenda.Agenda[*activation]
	drains     drains
	streams    streams.Streams
	mailboxes  *mailbox.Mailboxes[callName, work]
	goroutines sync.WaitGroup // goroutines of the host, with those that take turns

	// ctx ends when the host gives up its running actions.
	ctx context.Context //nolint:containedctx // the life of the host

	passOn         func(w *work, tokens string, l lack) // see [roster.passOn]
	bringBack      func(a *activation) (begin func())   // see [comebacks]
	awaitComebacks func(ctx context.Context)

	log     *store.EventLog
	archive *store.Archive
	alarms  *store.Alarms
	queues  *store.Queues
	givenUp atomic.Int64  // scheduled runs
	alone   chan struct{} // has one element while something runs that may have ended hosts: see begun.go

	loopFailures atomic.Int64
	setbacks     setbacks

	snapshotReads atomic.Int64 // that wait for a goroutine, or run

	recent figures.Recent
	stored figures.Histogram          // how long answers waited for the store
	woken  [wakings]figures.Histogram // how long actors took to wake
	steps  figures.Steps

	neighbours figures.Neighbours // calls that actors of the host have made

	repeated  atomic.Int64 // calls that were answered as before
	conflicts atomic.Int64 // states that were not stored because another host had written

	crash      crash.Hook   // nil but in tests
	stops      stopping     // see flowstop.go
	flows      atomic.Int64 // workflows that go on
	flowsStuck atomic.Int64 // workflows that were, since the start
}

// busy reports whether calls have arrived that no goroutine has taken yet.
func (e *env) busy() bool { return len(e.inbox) > 0 || e.ready.Queued() > 0 }

// actorConnection is a connection with its activation.
type actorConnection struct {
	a    *activation
	conn *Connection
}

package actorhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/clock"
	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/actorhost/internal/pool"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/actorhost/internal/tenants"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/probe"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/version"
	"github.com/troupe-go/troupe/internal/wire"
)

// startTimeout limits Start, which waits for streams to be created on a new cluster.
const startTimeout = 30 * time.Second

// inboxSize is how many messages may wait for the dispatcher, which never blocks. nats.go drops what does not fit, and
// tells the connection's error handler.
const inboxSize = 1 << 16

// Host runs actors on a NATS connection, which it does not close. For its lease, and for what it stores, it makes a second
// one with the same options: see docs/security.md. If it cannot, it logs that, and goes without.
type Host struct {
	*env
	*roster
	dispatcher      *dispatcher
	typeNames       []string // of the types, sorted
	journals        *store.Journals
	leases          *store.Hosts
	serviceRequests chan *nats.Msg        // requests to the NATS service
	suspects        chan struct{}         // has an element when the streams are to be checked
	draining        atomic.Bool           // a drain was requested
	displaced       atomic.Pointer[error] // why the host must not serve, if so
	waker           *wake.Waker           // nil if no actor type has durable subscriptions
	sweeper         *wake.Sweeper
	counter         *tenants.Counter // nil if nothing is counted
	ringer          *wake.Ringer
	puller          *queues.Puller // nil if no actor type has a queue
	stopHearing     func()
	probes          *probe.Server // nil without Config.Probes

	cancel context.CancelFunc // ends env.ctx
	quit   chan struct{}      // closed when the host has stopped
	// started is closed at the end of Start, unless that fails.
	started chan struct{}
	// untilStop ends when the host begins to stop. A session that is lost after that is not replaced.
	untilStop context.Context //nolint:containedctx // the life of the host
	beginStop context.CancelFunc

	// connected ends when the connection is closed for good. Its cause is then what Stop returns.
	connected    context.Context //nolint:containedctx // the life of the connection
	lost         context.CancelCauseFunc
	stopWatching func() // the connections
	ending       sync.Once

	stopped atomic.Bool   // Stop was called
	done    chan struct{} // closed once the host has stopped
	stopErr error
}

// Start starts a host for the given actor types, which runs until [Host.Stop]. It returns once the host takes calls.
// Its error says which definition is wrong and why, or which part of NATS the host could not use; with
// troupe.CodeDenied, what NATS does not allow.
func Start(ctx context.Context, nc *nats.Conn, config Config, definitions ...Definition) (*Host, error) {
	h, err := newHost(nc, config, definitions)
	if err != nil {
		return nil, fmt.Errorf("actorhost: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := h.listenForProbes(ctx); err != nil {
		h.cancel()
		return nil, fmt.Errorf("actorhost: %w", err)
	}
	h.control = connectControl(nc, h.config.Logger)
	needs := presence.Needs(nc, h.ns, usesLog(h.types))
	guard := link.NewGuard(ctx, nc, needs)
	defer guard.End()
	stored := link.NewGuard(guard.Context(), h.control, needs)
	defer stored.End()
	if err := h.open(stored.Context()); err != nil {
		h.cancel()
		return nil, fmt.Errorf("actorhost: %w", errors.Join(cmp.Or(guard.Err(), stored.Err(), link.Reason(nc, err)), h.close(ctx)))
	}
	calls, control := link.WhenClosed(nc, h.connectionClosed), link.WhenClosed(h.control, h.controlClosed)
	h.stopWatching = func() { calls(); control() }
	h.logStart()
	close(h.started)
	return h, nil
}

func newHost(nc *nats.Conn, config Config, definitions []Definition) (*Host, error) {
	ns, err := wire.NewNamespace(config.Namespace)
	if err != nil {
		return nil, err
	}
	if err := config.complete(); err != nil {
		return nil, err
	}
	types, err := build(definitions)
	if err != nil {
		return nil, err
	}
	addBuiltins(types)
	actorLog, ownLog := config.Logger, faultlog.Limit(config.Logger)
	e := &env{}
	config.Logger = slog.New(mutedLog{ownLog.Handler(), e.isClosed})
	*e = env{
		nc: nc, ns: ns, config: &config, actorLog: actorLog, ownLog: ownLog, faults: faultlog.New(config.Logger), clock: clock.Start(),
		inbox: make(chan *nats.Msg, inboxSize), drains: make(drains, maxDrains), alone: make(chan struct{}, 1),
		mailboxes: mailbox.New(func(w work) int64 { return int64(w.Size) }, func(w work) callName { return nameOf(w.ID) }),
	}
	h := &Host{
		env:             e,
		roster:          newRoster(e, types),
		typeNames:       slices.Sorted(maps.Keys(types)),
		serviceRequests: make(chan *nats.Msg, maxServiceRequests),
		suspects:        make(chan struct{}, 1),
		quit:            make(chan struct{}),
		started:         make(chan struct{}),
		done:            make(chan struct{}),
	}
	h.dispatcher = &dispatcher{roster: h.roster, serveHostRequest: h.serveHostRequest, lookups: make(chan struct{}, maxLookups)}
	openCounters(types, &e.recent)
	e.passOn = h.roster.passOn
	back := &comebacks{roster: h.roster, places: make(chan struct{}, maxBringingBack)}
	e.bringBack, e.awaitComebacks = back.bringBack, back.await
	e.ready = pool.New(e.goroutines.Go, h.roster.drainMailbox, (*activation).runsAgain)
	e.out = outlet.New(nc, ns, config.Logger, e.faults, h.ID, e.busy)
	e.out.Here = e.answerHere
	e.origin.Namespace, e.origin.Take = ns.Name(), h.dispatcher.take
	e.ctx, h.cancel = context.WithCancel(origin.With(context.Background(), origin.Origin{Host: &e.origin}))
	h.untilStop, h.beginStop = context.WithCancel(e.ctx)
	h.connected, h.lost = context.WithCancelCause(context.Background())
	return h, nil
}

// Run runs a host until ctx is done or somebody on the bus asks the host to drain. Then it stops the host within
// config.Grace. It also returns, with an error that says why, when nc is closed for good: see [Host.Done].
func Run(ctx context.Context, nc *nats.Conn, config Config, definitions ...Definition) error {
	h, err := Start(ctx, nc, config, definitions...)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-h.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.config.Grace)
	defer cancel()
	return h.Stop(ctx)
}

// ID returns the host's id on the bus, random at each start. It changes when the host has lost its lease.
func (h *Host) ID() string { return h.presence.Session().ID }

// Active returns how many actors are awake.
func (h *Host) Active() int { return h.roster.len() }

// Done is closed once the host has stopped: by Stop, within config.Grace after a request on the bus ("troupe drain"), or
// within a second after its connection was closed for good, by the program or by the client library, which takes some
// errors of the server for the end. A program that exists to run the host should end then. Stop returns the error, which
// is a nats.ErrConnectionClosed if the connection is closed.
func (h *Host) Done() <-chan struct{} { return h.done }

// Why a host is not ready.
var (
	errStarting = errors.New("actorhost: the host has not started yet")
	errStopping = errors.New("actorhost: the host stops, or has stopped")
)

// Ready returns nil while the host takes calls. Otherwise the error says why it does not: it has not started, it stops or was asked to
// drain, it is not connected, or it cannot prove by its own clock that it has its lease. Ready asks nobody, and takes no time.
func (h *Host) Ready() error {
	if h.stopped.Load() || h.draining.Load() || h.displaced.Load() != nil {
		return errStopping
	}
	select {
	case <-h.started:
	default:
		return errStarting
	}
	switch s := h.presence.Session(); {
	case !h.nc.IsConnected(), !h.control.IsConnected():
		return fmt.Errorf("actorhost: %w", wire.ErrDisconnected)
	case !s.Valid():
		return fmt.Errorf("actorhost: %w", s.Err())
	}
	return nil
}

// Stop leaves the bus without losing a call. New calls go to other hosts, running actions end, sleep hooks run, and the
// lease is given back, so that the next call to each actor wakes it elsewhere at once. Waiting calls are refused as not
// started. If ctx is done first, Stop gives up what still runs: its replies and writes are not sent. Giving the lease
// back may then take up to a second more. From a second after Stop begins, a call by an action to an actor that no
// other host serves fails as unavailable. Once the connection is closed, Stop returns within a second, with an error.
//
// With the context of an action, a hook or a handler on this host, Stop would wait for itself: then it stops nothing, and
// the error is troupe.ErrBadInput.
func (h *Host) Stop(ctx context.Context) error {
	if c, ok := FromContext(ctx); ok && c.a.host == h.env && !c.hasEnded() {
		return errs.New(troupe.CodeBadInput, "actorhost: Stop within a turn of %s on this host would wait for itself: stop it elsewhere",
			c.a.id)
	}
	if !h.stopped.CompareAndSwap(false, true) {
		<-h.done
		return h.stopErr
	}
	began := time.Now()
	h.stopErr = h.shutDown(ctx)
	if h.connected.Err() != nil { // what else has failed follows from that
		h.stopErr = context.Cause(h.connected)
	}
	if why := h.displaced.Load(); why != nil {
		h.stopErr = errors.Join(fmt.Errorf("actorhost: the host has stopped: %w", *why), h.stopErr)
	}
	h.logStop(began)
	close(h.done)
	return h.stopErr
}

func (h *Host) shutDown(ctx context.Context) error {
	ctx, cancel := h.whileConnected(ctx)
	defer cancel()
	defer h.stopWatching()
	h.beginStop()
	h.origin.Leave()
	err := h.presence.LeaveRoutes()
	if stuck := h.roster.stop(ctx); stuck > 0 {
		err = errors.Join(err, fmt.Errorf("actorhost: %d actors did not end their actions in time: %w", stuck, ctx.Err()))
	}
	h.cancel()
	return errors.Join(err, h.close(ctx))
}

// logStart says that the host takes calls, and all that tells it from others.
func (h *Host) logStart() {
	about := []slog.Attr{
		slog.String("host", h.ID()), slog.String("name", h.config.Name), slog.String("namespace", h.ns.Name()),
		slog.String("version", cmp.Or(version.Program(), "unknown")), slog.String("program", h.presence.Program),
		slog.String("types", shorten(strings.Join(h.typeNames, ","))), slog.String("server", h.nc.ConnectedServerName()),
		slog.Duration("lease", h.config.Lease),
	}
	if h.probes != nil {
		about = append(about, slog.String("probes", h.probes.Addr()))
	}
	h.config.Logger.LogAttrs(context.Background(), slog.LevelInfo, "the host takes calls", about...)
}

// logStop says that the host has stopped, unless it has said that it ends with its connection.
func (h *Host) logStop(began time.Time) {
	if h.connected.Err() != nil {
		return
	}
	about := []slog.Attr{
		slog.String("host", h.ID()), slog.String("name", h.config.Name), slog.Duration("took", time.Since(began).Round(time.Millisecond)),
	}
	level := slog.LevelInfo
	if h.stopErr != nil {
		level, about = slog.LevelWarn, append(about, slog.Any("error", h.stopErr))
	}
	h.actorLog.LogAttrs(context.Background(), level, "the host has stopped", about...) // the other is silent by now
}

// listenForProbes listens at Config.Probes, if that is set.
func (h *Host) listenForProbes(ctx context.Context) (err error) {
	if h.config.Probes != "" {
		h.probes, err = probe.Listen(ctx, h.config.Probes, h.Ready)
	}
	return err
}

func (h *Host) stopListeningForProbes() {
	if h.probes != nil {
		h.probes.Close()
	}
}

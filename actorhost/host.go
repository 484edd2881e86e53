package actorhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/singleflight"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Config is how a host runs. The zero value is a good one.
type Config struct {
	// Namespace keeps systems of actors on one bus apart. Defaults to client.DefaultNamespace.
	Namespace string
	// Name is what people see of the host. Defaults to the machine's host name. Hosts need no different names: each
	// start has an id of its own.
	Name string
	// Lease is how long the others wait before they take over the actors of a host that has fallen silent, in whole
	// seconds. Defaults to 3 s on a single server and 15 s on a cluster, where it must outlast the election of a new
	// leader (up to 9 s).
	Lease time.Duration
	// TakeoverOnDisconnect has this host, on a cluster, take over the actors of a host as soon as NATS knows of no
	// connection of it, within a second instead of after the lease. The price is paid when the servers of a cluster lose
	// sight of each other while their clients do not: a host on the far side may answer calls that change nothing from
	// what is not the newest state, for up to a third of its lease. What is stored is as safe as without. On a single
	// server it is always so, and costs nothing.
	TakeoverOnDisconnect bool
	// Grace bounds how long [Run] lets running actions and sleep hooks take when the host stops. Defaults to 15 s.
	Grace time.Duration
	// MaxActive bounds how many actors are awake at a time; a call that would wake one more is refused with
	// troupe.CodeOverloaded. Defaults to 1,000,000.
	MaxActive int
	// KeepEvents is for how long durable events are kept, when the host is the first to make their log. A durable
	// subscriber that is further behind misses events, and is told so. Defaults to 7 days.
	KeepEvents time.Duration
	// Replicas is the number of copies of each record, when the host is the first to make the buckets. Defaults to 3
	// on a cluster and 1 on a single server.
	Replicas int
	// Logger is where the host tells of what callers are not told. Defaults to slog.Default().
	Logger *slog.Logger
}

// Defaults of a host.
const (
	DefaultGrace        = 15 * time.Second
	DefaultMaxActive    = 1_000_000
	DefaultKeepEvents   = 7 * 24 * time.Hour
	defaultLease        = 3 * time.Second
	defaultClusterLease = 15 * time.Second
)

// startTimeout bounds Start, which on a new cluster waits for streams to be made.
const startTimeout = 30 * time.Second

// inboxSize is how many messages may wait for the dispatcher, which never waits itself. What comes beyond is dropped
// by nats.go, which tells the connection's error handler.
const inboxSize = 1 << 16

// Host runs actors on one NATS connection, which it does not own.
type Host struct {
	nc         *nats.Conn
	ns         wire.Namespace
	config     Config
	types      map[string]*actorType
	records    *store.Records
	journals   *store.Journals
	leases     *store.Hosts
	client     *client.Client
	origin     origin.Host // of the calls that it makes
	requester  *rpc.Requester
	replies    *rpc.Gatherer
	peers      peers
	recoveries singleflight.Group // by the id of a host
	inbox      chan *nats.Msg
	asked      chan *nats.Msg   // about the host
	lost       chan nats.Status // has something as soon as the connection is lost: see session.valid
	began      time.Time
	batch      []nats.Msg   // that is being read
	waiting    atomic.Int64 // bytes, in the mailboxes of all actors
	session    atomic.Pointer[session]
	draining   atomic.Bool // somebody has asked for it

	// ctx ends when the host gives its actions up; quit when it has stopped.
	ctx    context.Context //nolint:containedctx // the life of the host
	cancel context.CancelFunc
	quit   chan struct{}
	// staying ends as the host begins to stop: a session that is lost then has no successor.
	staying   context.Context //nolint:containedctx // likewise
	leave     context.CancelFunc
	rejoining sync.Mutex // held while one session succeeds another

	work  sync.WaitGroup // goroutines of the host
	ready ready          // goroutines of turns
	stop  sync.Once
	done  chan struct{} // closed once it has stopped
	stopE error

	mu       sync.Mutex
	active   map[string]*activation // by the tokens of its ID
	most     int                    // activations that the map has been made for
	stopping bool

	log     eventLog
	marked  sync.Map      // sessions that have made a mark of unsent events
	lookups chan struct{} // has one for each that is under way
	drains  chan struct{} // likewise
	clients clients
	waker   *waker // nil on a host without durable subscribers
}

// now is the time by the host's own clock, which nobody sets: how long it has been there.
func (h *Host) now() time.Duration { return time.Since(h.began) }

// Start runs actors of the given types until [Host.Stop]. It returns once the host takes calls. The error says which
// definition is wrong and in what, or what of NATS could not be used: with troupe.CodeDenied, what it does not allow.
func Start(ctx context.Context, nc *nats.Conn, config Config, definitions ...Definition) (*Host, error) {
	h := &Host{
		nc: nc, config: config,
		inbox:   make(chan *nats.Msg, inboxSize),
		asked:   make(chan *nats.Msg, maxAsked),
		began:   time.Now(),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
		types:   make(map[string]*actorType, len(definitions)),
		active:  make(map[string]*activation),
		lookups: make(chan struct{}, maxLookups),
		drains:  make(chan struct{}, maxDrains),
	}
	h.replies = h.gatherReplies()
	h.ready.goOn.L = &h.ready.mu
	if err := h.check(definitions); err != nil {
		return nil, fmt.Errorf("actorhost: %w", err)
	}
	h.ctx, h.cancel = context.WithCancel(origin.With(context.Background(), origin.Origin{Host: &h.origin}))
	h.staying, h.leave = context.WithCancel(h.ctx)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	guard := rpc.NewGuard(ctx, nc, h.needs)
	defer guard.End()
	if err := h.open(guard.Context()); err != nil {
		h.cancel()
		return nil, fmt.Errorf("actorhost: %w", errors.Join(cmp.Or(guard.Err(), err), h.close(ctx)))
	}
	return h, nil
}

// Run runs actors until ctx is done, or somebody on the bus asks the host to drain, and stops within the grace of the
// config.
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

// ID is the host's id on the bus, random at each start. It changes when the host has lost its lease.
func (h *Host) ID() string { return h.session.Load().id }

// Active is the number of actors that are awake.
func (h *Host) Active() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.active)
}

// forget removes an activation. Maps do not give memory back, so one that was much fuller is made anew. The caller holds
// h.mu.
func (h *Host) forget(id troupe.ID) {
	h.most = max(h.most, len(h.active))
	delete(h.active, id.Tokens())
	if left := len(h.active); left < h.most/4 && h.most > 4096 {
		fewer := make(map[string]*activation, left)
		maps.Copy(fewer, h.active)
		h.active, h.most = fewer, left
	}
}

// check completes and checks what the user gave.
func (h *Host) check(definitions []Definition) (err error) {
	if h.ns, err = wire.NewNamespace(h.config.Namespace); err != nil {
		return err
	}
	if h.config.Name == "" {
		h.config.Name, _ = os.Hostname() // for people only
	}
	if h.config.Lease == 0 {
		h.config.Lease = defaultLease
		if h.nc.ConnectedClusterName() != "" {
			h.config.Lease = defaultClusterLease
		}
	}
	h.config.Grace = cmp.Or(h.config.Grace, DefaultGrace)
	h.config.MaxActive = cmp.Or(h.config.MaxActive, DefaultMaxActive)
	h.config.KeepEvents = cmp.Or(h.config.KeepEvents, DefaultKeepEvents)
	if h.config.Logger == nil {
		h.config.Logger = slog.Default()
	}
	if h.config.Lease < time.Second || h.config.Lease%time.Second != 0 {
		return fmt.Errorf("the lease %v is not a whole number of seconds", h.config.Lease)
	}
	if len(definitions) == 0 {
		return errors.New("a host needs an actor type to run")
	}
	var errs []error
	for _, definition := range definitions {
		t, err := definition.build()
		if _, twice := h.types[t.name]; twice {
			err = fmt.Errorf("actor type %q: it is defined twice", t.name)
		}
		h.types[t.name] = t
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// open connects the host with the bus.
func (h *Host) open(ctx context.Context) (err error) {
	if h.records, err = store.OpenRecords(ctx, h.nc, h.ns, h.config.Replicas); err != nil {
		return err
	}
	if h.journals, err = store.OpenJournals(ctx, h.records, h.ns, h.config.Replicas, eager); err != nil {
		return err
	}
	if h.leases, err = store.OpenHosts(ctx, h.nc, h.ns, h.config.Replicas); err != nil {
		return err
	}
	h.lost = h.nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED)
	if h.client, err = client.New(h.nc, client.Config{Namespace: h.ns.Name(), Logger: h.config.Logger}); err != nil {
		return err
	}
	if h.requester, err = rpc.NewRequester(h.nc); err != nil {
		return err
	}
	if err := h.openWaker(ctx); err != nil {
		return err
	}
	s, err := h.join(ctx)
	if err != nil {
		return err
	}
	h.work.Go(h.dispatch)
	h.work.Go(func() { h.keepLease(s) })
	h.work.Go(h.describe)
	h.work.Go(h.goRound)
	return h.rehearse(ctx)
}

// Done is closed once the host has stopped: by Stop, or within the grace of the config after somebody on the bus has
// asked it to drain ("troupe drain"). A program that is there for its host should end then; Stop tells how it went.
func (h *Host) Done() <-chan struct{} { return h.done }

// Stop leaves the bus without losing a call: new calls go to other hosts, running actions end, sleep hooks run, and
// the host's lease is given back, so that the next call to each actor wakes it elsewhere at once. Calls that wait are
// refused as not started. When ctx is done first, what still runs is given up: its replies and writes are not sent.
// Giving the lease back may then take up to a second more. An action that calls an actor of which no other host is up
// fails as unavailable, from a second after the beginning.
func (h *Host) Stop(ctx context.Context) error {
	h.stop.Do(func() {
		h.stopE = h.shutDown(ctx)
		close(h.done)
	})
	return h.stopE
}

func (h *Host) shutDown(ctx context.Context) error {
	h.leave()
	h.origin.Leave()
	h.rejoining.Lock()
	err := h.session.Load().leaveRoutes()
	h.rejoining.Unlock()
	h.mu.Lock()
	h.stopping = true
	activations := slices.Collect(maps.Values(h.active))
	h.mu.Unlock()

	if stuck := h.retire(ctx, activations); stuck > 0 {
		err = errors.Join(err, fmt.Errorf("actorhost: %d actors did not end their actions in time: %w", stuck, ctx.Err()))
	}
	h.cancel()
	return errors.Join(err, h.close(ctx))
}

// retire ends activations and returns how many are still there when ctx is done.
func (h *Host) retire(ctx context.Context, activations []*activation) (stuck int) {
	for _, a := range activations {
		a.end(stopWork)
	}
	for _, a := range activations {
		select {
		case <-a.ended():
		case <-ctx.Done():
			stuck++
		}
	}
	return stuck
}

// close gives back what open has taken. Turns that were given up may still run.
func (h *Host) close(ctx context.Context) error {
	var errs []error
	if s := h.session.Load(); s != nil {
		errs = append(errs, s.end(ctx))
	}
	close(h.quit)
	h.ready.close()
	if h.waker != nil {
		h.waker.stop()
	}
	if h.client != nil {
		errs = append(errs, h.client.Close(ctx))
	}
	if h.requester != nil {
		errs = append(errs, h.requester.Close())
	}
	if h.records != nil {
		errs = append(errs, h.records.Close())
	}
	if h.lost != nil {
		h.nc.RemoveStatusListener(h.lost)
	}
	done := make(chan struct{})
	go func() { h.work.Wait(); h.ready.goroutines.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("actorhost: waiting for actions to end: %w", ctx.Err()))
	}
	return errors.Join(errs...)
}

// logger tells of an actor.
func (a *activation) logger(requestID string) *slog.Logger {
	logger := a.host.config.Logger.With(slog.String("actor_type", a.kind.name),
		slog.String("actor_key", a.id.KeyString()), slog.String("host", a.session.id))
	if requestID != "" {
		logger = logger.With(slog.String("request_id", requestID))
	}
	return logger
}

var errTurnOver = &troupe.Error{Code: troupe.CodeInternal, Message: "the action has ended"}

package wake_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

const lease = 3 * time.Second

// system is a bus with the durable events of the actors on it, and with who subscribes to them.
type system struct {
	t       *testing.T
	connect func() *nats.Conn
	ns      wire.Namespace
	nc      *nats.Conn
	log     *store.Log
	index   *store.Subscriptions
	last    map[troupe.ID]uint64 // in the log
	logged  bustest.Log          // by all wakers
	runs    atomic.Bool          // whether a host runs actors
	silent  string               // a host that does not answer pings for a moment
}

func newSystem(t *testing.T) *system {
	t.Helper()
	bustest.DropTimers(t)
	s := &system{t: t, connect: bustest.Start(t), last: make(map[troupe.ID]uint64)}
	s.runs.Store(true)
	var err error
	s.ns, err = wire.NewNamespace("")
	require.NoError(t, err)
	s.nc = s.connect()
	s.log, s.index, err = s.events(s.nc).Open(t.Context())
	require.NoError(t, err)
	return s
}

func (s *system) events(nc *nats.Conn) *store.EventLog {
	return store.NewEventLog(nc, s.ns, store.Settings{KeepEvents: 24 * time.Hour})
}

func (s *system) leases(nc *nats.Conn) *store.Hosts {
	s.t.Helper()
	hosts, err := store.OpenHosts(s.t.Context(), nc, s.ns, store.Settings{})
	require.NoError(s.t, err)
	return hosts
}

func (s *system) id(key string) troupe.ID { return bustest.NewID(s.t, "actor", key) }

// subscribe enters subscribers to an event of a source.
func (s *system) subscribe(source, event string, subscribers ...string) {
	s.t.Helper()
	for _, one := range subscribers {
		require.NoError(s.t, s.index.Add(s.t.Context(), s.id(source), event, s.id(one)))
	}
}

// broadcast has a source broadcast so many events, and returns where in the log the last is.
func (s *system) broadcast(source string, events int) uint64 {
	s.t.Helper()
	id := s.id(source)
	for range events {
		at := troupe.Position{Epoch: 1, Sequence: s.last[id] + 1}
		sequence, err := s.log.Append(s.t.Context(), id, record.Emitted{Event: "news", Position: wire.Position(at)}, s.last[id])
		require.NoError(s.t, err)
		s.last[id] = sequence
	}
	return s.last[id]
}

// awaitAcks waits until the server has nothing more to deliver.
func (s *system) awaitAcks() {
	s.t.Helper()
	js, err := jetstream.New(s.nc)
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		consumer, err := js.Consumer(s.t.Context(), "troupe-events", "wake")
		require.NoError(s.t, err)
		return consumer.CachedInfo().NumAckPending == 0 && consumer.CachedInfo().NumPending == 0
	}, time.Minute, 10*time.Millisecond)
}

// host has a waker on a connection of its own.
type host struct {
	nc   *nats.Conn
	stop func() // cleanly, once
}

// host starts one. It calls actors by a function, which gets the key of the actor and the notice.
func (s *system) host(call func(ctx context.Context, key string, n wire.Notice) error) *host {
	s.t.Helper()
	nc := s.connect()
	working, giveUp := context.WithCancel(context.Background())
	staying, leave := context.WithCancel(working)
	log, logger := s.events(nc), slog.New(slog.NewTextHandler(&s.logged, nil))
	notify := func(ctx context.Context, invocation troupe.Invocation) error {
		if invocation.Action != wire.NoticeAction || !invocation.Existing {
			s.t.Errorf("not a call to who is there, and only for a notice: %+v", invocation)
		}
		return call(ctx, invocation.ID.KeyString(), invocation.In.(wire.Notice))
	}
	w, err := wake.Start(s.t.Context(), wake.Config{
		Conn: nc, Log: log, Logger: logger, Faults: faultlog.New(logger), Call: notify, UntilGivenUp: working, UntilStop: staying,
		Runs: func(context.Context, string) (bool, error) { return s.runs.Load(), nil },
	})
	require.NoError(s.t, err)
	leases := s.leases(nc)
	sweeper := wake.StartSweeper(wake.SweeperConfig{
		Conn: nc, Log: log, Find: true, Leases: leases, Lease: lease, ID: func() string { return "host" },
		Gone: func(_ context.Context, host string) bool { return host == s.silent },
		MakeGone: func(ctx context.Context, host string) (bool, error) {
			_, up, err := leases.Revision(ctx, host)
			return !up, err
		},
		Faults: faultlog.New(logger), Call: notify, UntilStop: staying,
	})
	h := &host{nc, sync.OnceFunc(func() { leave(); giveUp(); w.Stop(); sweeper.Stop() })}
	s.t.Cleanup(h.stop)
	return h
}

// actors are those who are called, and what came of it.
type actors struct {
	mu    sync.Mutex
	calls map[string][]called
	began time.Time
	each  func(ctx context.Context, key string, calls int) error // what one does with a call, of which it has had so many
}

type called struct {
	after  time.Duration
	notice wire.Notice
}

func newActors(each func(ctx context.Context, key string, calls int) error) *actors {
	return &actors{calls: make(map[string][]called), began: time.Now(), each: each}
}

func (a *actors) call(ctx context.Context, key string, n wire.Notice) error {
	a.mu.Lock()
	a.calls[key] = append(a.calls[key], called{time.Since(a.began), n})
	calls := len(a.calls[key])
	a.mu.Unlock()
	return a.each(ctx, key, calls)
}

// of is what one has been called with.
func (a *actors) of(key string) []called {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[key]
}

// await waits until actors have been told that the log has come so far.
func (a *actors) await(t *testing.T, sequence uint64, keys ...string) {
	t.Helper()
	for _, key := range keys {
		require.Eventually(t, func() bool {
			for _, one := range a.of(key) {
				if one.notice.Sequence == sequence {
					return true
				}
			}
			return false
		}, time.Minute, 10*time.Millisecond, "%s is not told of %d", key, sequence)
	}
}

func succeed(context.Context, string, int) error { return nil }

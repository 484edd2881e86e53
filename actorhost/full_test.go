package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// limits are ways in which a store can be full.
var limits = map[string]struct {
	config   string
	maxBytes int64  // of the records
	told     string // to callers, and in the log
}{
	"server":  {"jetstream {max_file_store: 1MB}\n" + fmt.Sprintf(oneAccount, ""), 0, "the server has used up its JetStream storage: make room"},
	"account": {"accounts {A {jetstream: {max_file: 1MB}, users: [{user: host, password: p}]}}", 0, "the account has used up its JetStream storage: make room"},
	"bucket":  {fmt.Sprintf(oneAccount, ""), 1 << 20, "the bucket troupe-actors has reached its limit: make room"},
}

// fullSystem is a host whose store is full of counters, the last of which is awake and could not be written.
type fullSystem struct {
	t      *testing.T
	nc     *nats.Conn
	client *client.Client
	logged bustest.Log
	last   int // of the actors that are stored
}

const padding = 50_000

func (s *fullSystem) ref(i int) counter { return troupe.GetOrCreate[counter](s.client, fmt.Sprint(i)) }

// fill makes actors until there is no room, and returns what the last caller was told.
func (s *fullSystem) fill() error {
	s.t.Helper()
	return s.fillWithin(2 * time.Second)
}

// fillWithin bounds how long it takes until that caller is told.
func (s *fullSystem) fillWithin(most time.Duration) error {
	s.t.Helper()
	for ; s.last < 100; s.last++ {
		began := time.Now()
		if _, err := pad.Call(s.t.Context(), s.ref(s.last+1), padding); err != nil {
			require.Less(s.t, time.Since(began), most)
			return err
		}
	}
	s.t.Fatal("there is room for everything")
	return nil
}

func (s *fullSystem) tried(i int) error {
	_, err := pad.Call(s.t.Context(), s.ref(i), padding+1000)
	return err
}

// fillServers starts a host, and fills servers that say nothing of themselves: the reason is told after a while. The first
// counter is 7.
func fillServers(t *testing.T, callersURL, hostURL string, told ...string) (*fullSystem, *actorhost.Host) {
	t.Helper()
	s, way := &fullSystem{t: t, last: 1}, system{t: t}
	s.client = way.client(way.connect(callersURL, "any"), "")
	host, err := actorhost.Start(t.Context(), way.connect(hostURL, "any"),
		actorhost.Config{Logger: slog.New(slog.NewTextHandler(&s.logged, nil))}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	require.NoError(t, call(t.Context(), add, s.ref(1), 7))
	err = s.fillWithin(10 * time.Second)
	for _, text := range told {
		require.ErrorContains(t, err, text)
	}
	return s, host
}

// hasRoom waits until there is room again, and finds all that was acknowledged after fillServers.
func (s *fullSystem) hasRoom(within time.Duration) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.tried(s.last+1) == nil }, within, 50*time.Millisecond)
	for i := 2; i < s.last; i++ {
		size, err := padded.Call(s.t.Context(), s.ref(i), nil)
		require.NoError(s.t, err)
		require.Equal(s.t, padding, size, "what was acknowledged is there: %d", i)
	}
	require.NoError(s.t, call(s.t.Context(), add, s.ref(1), 1))
	n, err := get.Call(s.t.Context(), s.ref(1), nil)
	require.NoError(s.t, err)
	require.Equal(s.t, 8, n)
}

func startFull(t *testing.T, config string, maxBytes int64) *fullSystem {
	t.Helper()
	srv := serveConfig(t, config, func(o *server.Options) { o.JetStream, o.StoreDir = true, t.TempDir() })
	s := &fullSystem{t: t}
	way := system{t: t}
	s.nc = way.connect(srv.ClientURL(), "host")
	s.client = way.client(s.nc, "")
	host, err := actorhost.Start(t.Context(), s.nc, actorhost.Config{
		Lease: time.Second, MaxBytes: actorhost.MaxBytes{Records: maxBytes}, Logger: slog.New(slog.NewTextHandler(&s.logged, nil)),
	}, counters(), clerks())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	return s
}

// TestFull fills each kind of store. What needs no write goes on, also when the lease cannot be renewed, and destroying an
// actor makes room.
func TestFull(t *testing.T) {
	t.Parallel()
	for name, limit := range limits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startFull(t, limit.config, limit.maxBytes)
			_, err := add.Call(t.Context(), s.ref(1), 7)
			require.NoError(t, err)
			s.last = 1
			err = s.fill()
			require.ErrorIs(t, err, troupe.ErrOverloaded)
			require.ErrorContains(t, err, limit.told)
			failed := new(troupe.Error)
			require.ErrorAs(t, err, &failed)
			require.True(t, failed.Retryable)

			// Beyond the lease, if that cannot be renewed either. A write that fails costs its actor the activation.
			for range 25 {
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // of the lease, which the server counts
				require.ErrorIs(t, s.tried(s.last), troupe.ErrOverloaded)
				n, err := get.Call(t.Context(), s.ref(1), nil)
				require.NoError(t, err)
				require.Equal(t, 7, n)
				_, err = get.Call(t.Context(), s.ref(s.last), nil)
				require.NoError(t, err)
			}
			require.Equal(t, 1, strings.Count(s.logged.String(), "level=WARN"), s.logged.String())
			require.Contains(t, s.logged.String(), limit.told)

			for i := range 3 {
				_, err = destroy.Call(t.Context(), s.ref(s.last-i), nil)
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool { return s.tried(s.last) == nil }, 10*time.Second, 50*time.Millisecond)
			require.Eventually(t, func() bool {
				_, err := add.Call(t.Context(), s.ref(1), 1)
				require.NoError(t, err)
				return s.logged.Contains("a fault is over")
			}, 20*time.Second, 100*time.Millisecond)
			n, err := get.Call(t.Context(), s.ref(1), nil)
			require.NoError(t, err)
			require.Greater(t, n, 7)
		})
	}
}

// TestFullWhileRead reads an actor while its writes are refused. A read needs no room, whatever it comes behind.
func TestFullWhileRead(t *testing.T) {
	t.Parallel()
	s := startFull(t, limits["bucket"].config, limits["bucket"].maxBytes)
	s.last = 1
	require.ErrorIs(t, s.fill(), troupe.ErrOverloaded)
	for range 100 {
		var calls errgroup.Group
		for range 8 {
			calls.Go(func() error {
				if err := s.tried(s.last); !errors.Is(err, troupe.ErrOverloaded) {
					return fmt.Errorf("a write: %w", err)
				}
				return nil
			})
			calls.Go(func() error { return call(t.Context(), get, s.ref(s.last), nil) })
		}
		require.NoError(t, calls.Wait())
	}
}

// A clerk asks the counter of its key, and then counts that.
type clerk struct{ troupe.Ref }

func (clerk) ActorType() string { return "clerk" }

var inquire = troupe.NewAction[clerk, int, int]("inquire") // gets so much to keep

func clerks() actorhost.Definition {
	type state struct {
		Pad []byte `json:"pad"`
	}
	return actorhost.Define(func() state { return state{} },
		actorhost.On(inquire, func(s *state, c *actorhost.Context, n int) (int, error) {
			found, err := get.Call(c, troupe.GetOrCreate[counter](c, c.Key()...), nil)
			s.Pad = make([]byte, n)
			return found, err
		}))
}

// TestFullAfterCalls has an action call another actor before its own state finds no room. Nobody is told that nothing has
// happened.
func TestFullAfterCalls(t *testing.T) {
	t.Parallel()
	for name, limit := range limits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startFull(t, limit.config, limit.maxBytes)
			s.last = 1
			_, err := add.Call(t.Context(), s.ref(1), 7)
			require.NoError(t, err)
			ref := troupe.GetOrCreate[clerk](s.client, "1")
			_, err = inquire.Call(t.Context(), ref, 1)
			require.NoError(t, err)
			require.ErrorIs(t, s.fill(), troupe.ErrOverloaded)
			// Beyond the lease, if that cannot be renewed.
			for range 25 {
				began := time.Now()
				_, err = inquire.Call(t.Context(), ref, padding)
				require.Less(t, time.Since(began), 2*time.Second, "the caller is told at once")
				require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
				require.ErrorContains(t, err, limit.told)
				failed := new(troupe.Error)
				require.ErrorAs(t, err, &failed)
				require.False(t, failed.Retryable)
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // of the lease, which the server counts
			}
		})
	}
}

// TestFullAndMoved has a host whose lease cannot be renewed asked about an actor that is not as it was.
func TestFullAndMoved(t *testing.T) {
	t.Parallel()
	s := startFull(t, limits["server"].config, 0)
	_, err := add.Call(t.Context(), s.ref(1), 7)
	require.NoError(t, err)
	s.last = 1
	require.Error(t, s.fill())
	time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // longer than the lease, which the server counts
	js, err := jetstream.New(s.nc)
	require.NoError(t, err)
	records, err := js.Stream(t.Context(), "KV_troupe-actors")
	require.NoError(t, err)
	require.NoError(t, records.Purge(t.Context(), jetstream.WithPurgeSubject("$KV.troupe-actors.counter.1")))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	n, err := get.Call(ctx, s.ref(1), nil)
	if err == nil {
		require.Zero(t, n, "it was created anew")
	}
}

// TestFullForLong counts what is logged in virtual time, and calls an actor all the while.
func TestFullForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		var logged bustest.Log
		b.HostWith(actorhost.Config{
			MaxBytes: actorhost.MaxBytes{Records: 300_000}, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		}, counters())
		s := &fullSystem{t: t, client: b.Client}
		require.ErrorIs(t, s.fill(), troupe.ErrOverloaded)
		refused := 0
		for began := time.Now(); time.Since(began) < 3*time.Minute+time.Second; time.Sleep(500 * time.Millisecond) { //nolint:forbidigo // in a bubble
			if s.tried(s.last+1) != nil {
				refused++
			}
			_, err := get.Call(t.Context(), s.ref(1), nil)
			require.NoError(t, err)
		}
		require.Equal(t, 4, strings.Count(logged.String(), "level=WARN"), logged.String())
		require.Greater(t, refused, 300)
		require.Contains(t, logged.String(), "failures=")

		for i := range 2 {
			_, err := destroy.Call(t.Context(), s.ref(1+i), nil)
			require.NoError(t, err)
		}
		require.NoError(t, s.tried(s.last+1))
		time.Sleep(10 * time.Second) //nolint:forbidigo // in a bubble
		require.NoError(t, s.tried(s.last+1))
		require.NoError(t, call(t.Context(), add, s.ref(s.last+1), 1))
		require.Equal(t, 1, strings.Count(logged.String(), "a fault is over"), logged.String())
	})
}

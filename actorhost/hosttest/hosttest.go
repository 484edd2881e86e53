// Package hosttest gives a test a bus, hosts and a client in one line and a few milliseconds:
//
//	func TestReserve(t *testing.T) {
//		b := hosttest.Start(t, shop.Inventory)
//		reserved, err := shop.ReserveStock.Call(t.Context(), troupe.GetOrCreate[shop.Inventory](b.Client, "main"), 5)
//		...
//	}
//
// A test does not need to let actors sleep to see what sleep changes: after every turn the host decodes the state anew,
// and fails the test with the path of what is different, and with that of an unexported field that has changed. A test
// of actors that keep something in memory on purpose sets [Bus.SkipStateCheck]. Benchmarks are not checked.
//
// The bus is a real NATS server with JetStream in the process of the test, in memory and without a port, so that tests
// run in parallel and need nothing installed. All of it also works inside a bubble of testing/synctest, where actors
// fall asleep, deadlines pass and leases run out in virtual time. Such a test must not be parallel.
//
// What actors schedule, and messages of queues that wait, need no bubble: [Bus.Advance] has a month pass for those alone, with all
// that is due in it, in parallel tests too.
//
// [Bus.CrashBefore] and [Bus.CrashAfter] end a host at a step of a workflow, as a process ends that is killed there.
//
// An action under test may call testify's require: the test fails, and the call fails as internal.
package hosttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/internal/crash"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/travel"
	"github.com/troupe-go/troupe/internal/wire"
)

// stopTimeout bounds how long hosts may take to stop at the end of a test.
const stopTimeout = 10 * time.Second

// The server's clock of access times is a goroutine for ever. Started in the bubble of one test, it would keep that
// bubble from ending, and stop for all others.
func init() { ats.Register() } //nolint:gochecknoinits // there is no later moment that is outside of every bubble

// Main runs the tests of a package and fails when they leave goroutines behind. It is the body of a TestMain:
//
//	func TestMain(m *testing.M) { hosttest.Main(m) }
func Main(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(),
		// A server that is shut down while it makes a stream leaves this behind.
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.Cleanup(os.Exit)) //nolint:forbidigo // as TestMain does
}

// Bus is a NATS server of one test, with the hosts and connections on it. All of them end with the test, which fails
// when they do not end cleanly.
type Bus struct {
	// Client calls the actors on the bus.
	Client *client.Client
	// SkipStateCheck lets the hosts that start from now on leave out [actorhost.Config.CheckState].
	SkipStateCheck bool

	tb      testing.TB
	server  *bus.Server
	crashes crashes

	mu    sync.Mutex // of hosts and namespaces
	hosts map[*actorhost.Host]*nats.Conn

	clock      travel.Clock
	advancing  sync.Mutex
	namespaces []wire.Namespace
	travels    *nats.Conn // see [Bus.traveller]
	clients    map[wire.Namespace]*client.Client
}

// Start starts a bus and, when definitions are given, one host that runs them.
func Start(tb testing.TB, definitions ...actorhost.Definition) *Bus {
	tb.Helper()
	enter(tb)
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Shutdown)
	b := &Bus{tb: tb, server: server, hosts: make(map[*actorhost.Host]*nats.Conn), clients: make(map[wire.Namespace]*client.Client)}
	_, b.SkipStateCheck = tb.(*testing.B)
	b.Client = b.NewClient(client.Config{})
	if len(definitions) > 0 {
		b.Host(definitions...)
	}
	return b
}

// Host starts one more host, on a connection of its own. It logs to the test.
func (b *Bus) Host(definitions ...actorhost.Definition) *actorhost.Host {
	b.tb.Helper()
	return b.HostWith(actorhost.Config{}, definitions...)
}

// HostWith is Host with a config. The test fails when a turn leaves a state that the actor would not find after sleep,
// unless the config has a CheckState of its own.
func (b *Bus) HostWith(config actorhost.Config, definitions ...actorhost.Definition) *actorhost.Host {
	b.tb.Helper()
	host, err := b.start(config, definitions)
	if err != nil {
		b.tb.Fatal(err)
	}
	return host
}

func (b *Bus) start(config actorhost.Config, definitions []actorhost.Definition) (*actorhost.Host, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.NewTextHandler(b.tb.Output(), nil))
	}
	if config.CheckState == nil && !b.SkipStateCheck {
		config.CheckState = func(actor troupe.ID, lost error) { b.tb.Errorf("the state of %s: %v", actor, lost) }
	}
	nc, err := b.connect()
	if err != nil {
		return nil, err
	}
	ctx := crash.With(travel.With(b.tb.Context(), &b.clock), func(p crash.Point, step string) bool {
		return b.crashAt(p, step, nc, func() error {
			_, err := b.start(config, definitions)
			if errors.Is(err, errCrashed) {
				return nil
			}
			return err
		})
	})
	host, err := actorhost.Start(ctx, nc, config, definitions...)
	if err != nil && nc.IsClosed() {
		return nil, fmt.Errorf("%w: %w", errCrashed, err)
	}
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if ns, _ := wire.NewNamespace(config.Namespace); !slices.Contains(b.namespaces, ns) {
		b.namespaces = append(b.namespaces, ns)
	}
	b.hosts[host] = nc
	b.tb.Cleanup(func() { b.Stop(host) })
	return host, nil
}

// Stop stops a host cleanly, as a deployment does.
func (b *Bus) Stop(host *actorhost.Host) {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.tb.Context()), stopTimeout)
	defer cancel()
	killed := b.connOf(host).IsClosed()
	if err := host.Stop(ctx); err != nil && !killed {
		b.tb.Errorf("stopping the host %s: %v", host.ID(), err)
	}
}

// Kill closes the connections of a host. To the others it looks like one whose process has died; its goroutines end within
// a second.
func (b *Bus) Kill(host *actorhost.Host) { link.Close(b.connOf(host)) }

func (b *Bus) allNamespaces() []wire.Namespace {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.namespaces)
}

func (b *Bus) connOf(host *actorhost.Host) *nats.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hosts[host]
}

// NewClient makes one more client, on a connection of its own.
func (b *Bus) NewClient(config client.Config) *client.Client {
	b.tb.Helper()
	cl, err := client.New(b.Connect(), config)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := cl.Close(ctx); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.tb.Errorf("closing a client: %v", err)
		}
	})
	return cl
}

// Connect makes one more connection to the bus.
func (b *Bus) Connect() *nats.Conn {
	b.tb.Helper()
	nc, err := b.connect()
	if err != nil {
		b.tb.Fatal(err)
	}
	return nc
}

func (b *Bus) connect() (*nats.Conn, error) {
	nc, err := b.server.Connect(bus.Config{Name: b.tb.Name()})
	if err == nil {
		b.tb.Cleanup(nc.Close)
	}
	return nc, err
}

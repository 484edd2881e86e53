// Package bustest has the servers that tests of several packages need: one within the process, one as operators run it,
// a listener that is no server, and a log that can be read.
package bustest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
)

// Main runs the tests of a package and fails if they leave goroutines behind.
func Main(m *testing.M) {
	// The server keeps a goroutine for its clock of access times while the clock is used. If it started in the synctest
	// bubble of a test, that bubble could not end.
	ats.Register()
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
		// A server that is shut down while it makes a stream leaves this behind.
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"))
}

// Connect gives a test a server of its own and a connection to it.
func Connect(tb testing.TB) *nats.Conn {
	tb.Helper()
	return Start(tb)()
}

// Start gives a test a server of its own, and returns a function that connects to it.
func Start(tb testing.TB) (connect func() *nats.Conn) {
	tb.Helper()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true})
	require.NoError(tb, err)
	tb.Cleanup(server.Shutdown)
	return func() *nats.Conn {
		nc, err := server.Connect(bus.Config{})
		require.NoError(tb, err)
		tb.Cleanup(nc.Close)
		return nc
	}
}

// DropTimers empties the pool in which nats.go keeps its flush timers for the whole process. A timer made in a synctest
// bubble ends the process when it is used outside. So a test with a connection in a bubble calls DropTimers before it
// makes the connection, and must not be parallel. The pool is emptied again when the test ends.
func DropTimers(tb testing.TB) {
	tb.Helper()
	dropTimers()
	tb.Cleanup(dropTimers)
}

func dropTimers() {
	runtime.GC() // a pool survives one collection
	runtime.GC()
}

// NewID makes a valid ID.
func NewID(tb testing.TB, actorType string, key ...string) troupe.ID {
	tb.Helper()
	id, err := troupe.NewID(actorType, key...)
	require.NoError(tb, err)
	return id
}

// Serve runs a NATS server as operators do, on a free port of localhost unless config has one.
func Serve(tb testing.TB, config *server.Options) *server.Server {
	tb.Helper()
	config.Host, config.NoSigs = "127.0.0.1", true
	if config.Port == 0 {
		config.Port = FreePort(tb)
	}
	srv, err := server.NewServer(config)
	require.NoError(tb, err)
	srv.Start()
	tb.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	require.True(tb, srv.ReadyForConnections(10*time.Second))
	return srv
}

// Ports of localhost for servers: none of those that systems give to connections, for whoever connects to one of these, while
// nobody listens there, may get that very port, and is then connected with himself. A process begins somewhere and takes none
// twice: clients of a server that is gone may still dial its port.
const firstPort, ports = 10_000, 20_000

var lastPort atomic.Uint32

func init() { lastPort.Store(rand.Uint32N(ports)) } //nolint:gochecknoinits // of each process its own

// FreePort is a port of localhost where nobody listens.
func FreePort(tb testing.TB) int {
	tb.Helper()
	for {
		port := firstPort + int(lastPort.Add(1)%ports)
		free, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			require.NoError(tb, free.Close())
			return port
		}
	}
}

// ClusterConfig returns the configurations of three NATS servers with JetStream that find each other.
func ClusterConfig(tb testing.TB) []*server.Options {
	tb.Helper()
	var routes []*url.URL
	for range 3 {
		routes = append(routes, &url.URL{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(tb)))})
	}
	servers := make([]*server.Options, len(routes))
	for i, route := range routes {
		port, err := strconv.Atoi(route.Port())
		require.NoError(tb, err)
		servers[i] = &server.Options{
			ServerName: fmt.Sprintf("n%d", i), NoLog: true,
			JetStream: true, StoreDir: tb.TempDir(), Routes: routes,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
		}
	}
	return servers
}

// Cluster starts three clustered NATS servers with JetStream and returns their URLs.
func Cluster(tb testing.TB) []string {
	tb.Helper()
	var servers []*server.Server
	var urls []string
	for _, config := range ClusterConfig(tb) {
		s := Serve(tb, config)
		servers, urls = append(servers, s), append(urls, s.ClientURL())
	}
	require.Eventually(tb, func() bool {
		for _, s := range servers {
			if s.JetStreamIsLeader() {
				return len(s.JetStreamClusterPeers()) == 3
			}
		}
		return false
	}, 30*time.Second, 20*time.Millisecond)
	return urls
}

// Listen calls handle for each connection to the address that it returns.
func Listen(tb testing.TB, handle func(net.Conn)) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	var handlers sync.WaitGroup
	handlers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handlers.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	tb.Cleanup(handlers.Wait)
	tb.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// Forward copies between a connection and an address in both directions. While drop is true, it drops what comes from
// the address.
func Forward(conn net.Conn, to string, drop *atomic.Bool) {
	upstream, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(upstream, conn)
		_ = upstream.Close()
	})
	buffer := make([]byte, 32<<10)
	for {
		n, err := upstream.Read(buffer)
		if err != nil {
			break
		}
		if !drop.Load() {
			_, _ = conn.Write(buffer[:n])
		}
	}
	_ = conn.Close()
	copying.Wait()
}

// Vanishing forwards connections to an address until vanish is called. From then on it takes no bytes and answers none,
// like a machine without power: what is connected stays connected, on both sides.
func Vanishing(tb testing.TB, to string) (address string, vanish func()) {
	tb.Helper()
	gone, over := make(chan struct{}), make(chan struct{})
	address = Listen(tb, func(conn net.Conn) {
		upstream, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
		if err != nil {
			return
		}
		var copying sync.WaitGroup
		forward := func(to, from net.Conn) {
			_, _ = io.Copy(to, from)
			select {
			case <-gone:
			default:
				_ = to.Close()
			}
		}
		copying.Go(func() { forward(upstream, conn) })
		copying.Go(func() { forward(conn, upstream) })
		select {
		case <-gone:
			_ = conn.SetReadDeadline(time.Now())
			_ = upstream.SetReadDeadline(time.Now())
			<-over
		case <-over:
			_ = conn.Close()
		}
		_ = upstream.Close()
		copying.Wait()
	})
	tb.Cleanup(func() { close(over) })
	return address, sync.OnceFunc(func() { close(gone) })
}

// Log holds what was logged. It can be read while it is written.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Contains reports whether a text has been logged.
func (l *Log) Contains(text string) bool { return strings.Contains(l.String(), text) }

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

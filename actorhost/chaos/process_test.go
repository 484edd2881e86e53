//go:build chaos && unix

package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

// The test binary is also the program of the processes that are killed. What one of them is to be is in these.
const (
	envRole     = "TROUPE_CHAOS_ROLE"     // server or host
	envListen   = "TROUPE_CHAOS_LISTEN"   // of a server: host:port
	envDir      = "TROUPE_CHAOS_DIR"      // of a server: its data
	envCluster  = "TROUPE_CHAOS_CLUSTER"  // of a server in a cluster: all addresses of routes, its own first
	envURL      = "TROUPE_CHAOS_URL"      // of a host
	envLease    = "TROUPE_CHAOS_LEASE"    // of a host, by default that of its config
	envStorage  = "TROUPE_CHAOS_STORAGE"  // of a server: max_file_store
	envOff      = "TROUPE_CHAOS_OFF"      // of a host: see package faults, and pinging
	envTakeover = "TROUPE_CHAOS_TAKEOVER" // of a host: anything for TakeoverOnDisconnect
)

// pinging is a guarantee of package bus, which can be switched off too: a connection that has vanished is given up soon.
const pinging = "pinging"

func TestMain(m *testing.M) {
	switch os.Getenv(envRole) {
	case "server":
		exit(runServer())
	case "host":
		exit(runHost())
	default:
		os.Exit(m.Run())
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runServer() error {
	host, port, err := splitAddress(os.Getenv(envListen))
	if err != nil {
		return err
	}
	options := &server.Options{
		ServerName: fmt.Sprint("s", port), Host: host, Port: port, JetStream: true, StoreDir: os.Getenv(envDir), NoSigs: true, NoLog: true,
		PingInterval: 2 * time.Second, MaxPingsOut: 2, // as in deploy/nats.conf
	}
	if routes := strings.Split(os.Getenv(envCluster), ","); len(routes) > 1 {
		host, port, err := splitAddress(routes[0])
		if err != nil {
			return err
		}
		// Nobody is told of another way than that through the proxies.
		options.Cluster = server.ClusterOpts{Name: "chaos", Host: host, Port: port, NoAdvertise: true}
		options.Routes = server.RoutesFromStr("nats://" + strings.Join(routes[1:], ",nats://"))
	}
	if text := os.Getenv(envStorage); text != "" {
		if options.JetStreamMaxStore, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("reading the size of the storage: %w", err)
		}
	}
	s, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("making the server: %w", err)
	}
	s.Start()
	go obey(s, options)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	s.Shutdown()
	return nil
}

// obey changes limits of a server as lines on its input say: "room BYTES" leaves its account so much beside what it uses,
// or any number if BYTES is negative; "store BYTES" is a reload with another max_file_store.
func obey(s *server.Server, options *server.Options) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var what string
		var bytes int64
		_, err := fmt.Sscan(lines.Text(), &what, &bytes)
		switch what {
		case "room":
			account := s.GlobalAccount()
			limits := server.JetStreamAccountLimits{
				MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
			}
			if bytes >= 0 {
				limits.MaxStore = int64(account.JetStreamUsage().Store) + bytes
			}
			err = account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits})
		case "store":
			changed := *options
			changed.JetStreamMaxStore = bytes
			err = s.ReloadOptions(&changed)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, lines.Text(), err)
		}
	}
}

func splitAddress(address string) (host string, port int, err error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return "", 0, fmt.Errorf("the address of a server: %w", err)
	}
	return tcp.IP.String(), tcp.Port, nil
}

// runHost runs actors until SIGTERM. A line on its input, "kill POINT" or "stop POINT", has it send itself that signal
// when a turn next comes to that point.
func runHost() error {
	config := actorhost.Config{Grace: 5 * time.Second, TakeoverOnDisconnect: os.Getenv(envTakeover) != ""}
	if text := os.Getenv(envLease); text != "" {
		lease, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("reading the lease: %w", err)
		}
		config.Lease = lease
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	config.Logger = logger
	connect := func() (*nats.Conn, error) {
		return bus.Connect(ctx, bus.Config{URL: os.Getenv(envURL), Logger: logger})
	}
	if os.Getenv(envOff) == pinging {
		connect = func() (*nats.Conn, error) { return nats.Connect(os.Getenv(envURL), nats.MaxReconnects(-1)) }
	}
	nc, err := connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	var order atomic.Pointer[string]
	actorhost.OnPoint(func(point string) {
		due := order.Load()
		if due == nil || !strings.HasSuffix(*due, " "+point) || !order.CompareAndSwap(due, nil) {
			return
		}
		sig := syscall.SIGSTOP
		if strings.HasPrefix(*due, "kill") {
			sig = syscall.SIGKILL
			// What was sent before has left, or not.
			time.Sleep(rand.N(2 * time.Millisecond))
		}
		_ = syscall.Kill(os.Getpid(), sig)
		// A signal to oneself may come a little later.
		time.Sleep(time.Millisecond)
	})
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			line := lines.Text()
			order.Store(&line)
		}
		stop() // whoever started it is gone
	}()
	return actorhost.Run(ctx, nc, config,
		slices.Concat(definitions(), journals(), bankActors(), crateActors(), planActors(), postActors(), errandActors(), loopActors(), stallActors())...)
}

// process is a child that can be killed, stopped and started again.
type process struct {
	command *exec.Cmd
	input   io.WriteCloser
	gone    chan struct{}
}

func start(t *testing.T, log io.Writer, env ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(os.Args[0]), gone: make(chan struct{})}
	p.command.Env = append(os.Environ(), env...)
	p.command.Stdout, p.command.Stderr = log, log
	var err error
	p.input, err = p.command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	go func() { _ = p.command.Wait(); close(p.gone) }()
	t.Cleanup(func() { p.kill() })
	return p
}

func (p *process) signal(sig syscall.Signal) { _ = p.command.Process.Signal(sig) } // it may be gone

func (p *process) order(line string) { _, _ = fmt.Fprintln(p.input, line) } // likewise

// kill kills it and waits until it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.gone
}

func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", bustest.FreePort(t))
}

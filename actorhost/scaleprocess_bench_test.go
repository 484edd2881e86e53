package actorhost_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
)

// Benchmarks of what a server and a host cost have each in a process of its own: the test binary is their program too.
const (
	envProgram = "TROUPE_BENCH_PROGRAM" // server or host
	envServer  = "TROUPE_BENCH_SERVER"  // of a host
	envData    = "TROUPE_BENCH_DATA"    // of a server
)

// hostName is by which the server knows the connection of the host.
const hostName = "host"

// program is a process that does what it is told, a line at a time, and answers with a line.
type program struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
	url     string // of a server
}

func startProgram(b *testing.B, role string, env ...string) *program {
	b.Helper()
	p := &program{command: exec.Command(os.Args[0])}
	p.command.Env = append(append(os.Environ(), envProgram+"="+role), env...)
	p.command.Stderr = os.Stderr
	var err error
	p.input, err = p.command.StdinPipe()
	require.NoError(b, err)
	output, err := p.command.StdoutPipe()
	require.NoError(b, err)
	p.output = bufio.NewReader(output)
	require.NoError(b, p.command.Start())
	b.Cleanup(func() { p.end(b) })
	p.url = p.answer(b)
	return p
}

// startServerAndHost starts both.
func startServerAndHost(b *testing.B) (server, host *program) {
	b.Helper()
	server = startProgram(b, "server", envData+"="+b.TempDir())
	return server, startProgram(b, "host", envServer+"="+server.url)
}

func (p *program) order(b *testing.B, what string) string {
	b.Helper()
	_, err := fmt.Fprintln(p.input, what)
	require.NoError(b, err)
	return p.answer(b)
}

func (p *program) answer(b *testing.B) string {
	b.Helper()
	line, err := p.output.ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(line)
}

// end ends it, as it ends with its input, and waits for that.
func (p *program) end(b *testing.B) {
	b.Helper()
	if p.input == nil {
		return
	}
	require.NoError(b, errors.Join(p.input.Close(), p.command.Wait()))
	p.input = nil
}

// usage is what a process takes.
type usage struct {
	Live       uint64 // bytes of the heap that are reachable
	Taken      uint64 // bytes that it has from the system
	Goroutines int
}

func (p *program) usage(b *testing.B) (u usage) {
	b.Helper()
	_, err := fmt.Sscan(p.order(b, "usage"), &u.Live, &u.Taken, &u.Goroutines)
	require.NoError(b, err)
	return u
}

func ownUsage() string {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fmt.Sprint(m.HeapAlloc, m.Sys-m.HeapReleased, runtime.NumGoroutine())
}

// runProgram is the process. It ends with its input.
func runProgram(role string) error {
	orders := map[string]func() string{"usage": ownUsage}
	var first string
	var end func() error
	var err error
	switch role {
	case "server":
		first, end, err = runServer(orders)
	default:
		end, err = runHost(orders)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, first)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Fprintln(os.Stdout, orders[lines.Text()]())
	}
	return errors.Join(lines.Err(), end())
}

// runServer is a server as package bus starts them, which in addition can drop the connection of the host.
func runServer(orders map[string]func() string) (url string, end func() error, err error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: os.Getenv(envData),
		SyncInterval: 100 * time.Millisecond, NoSublistCache: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return "", nil, err
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return "", nil, errors.New("the server does not start")
	}
	orders["drop"] = func() string {
		all, err := s.Connz(nil)
		if err != nil {
			return err.Error()
		}
		for _, conn := range all.Conns {
			if conn.Name == hostName {
				err = errors.Join(err, s.DisconnectClientByID(conn.Cid))
			}
		}
		return fmt.Sprint(err)
	}
	return s.ClientURL(), func() error { s.Shutdown(); s.WaitForShutdown(); return nil }, nil
}

// runHost runs crates, which sleep only when they are told to.
func runHost(orders map[string]func() string) (end func() error, err error) {
	ctx := context.Background()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	nc, err := bus.Connect(ctx, bus.Options{URL: os.Getenv(envServer), Name: hostName, Logger: logger})
	if err != nil {
		return nil, err
	}
	host, err := actorhost.Start(ctx, nc, actorhost.Config{Logger: logger}, crates().SleepAfter(24*time.Hour))
	if err != nil {
		return nil, err
	}
	orders["active"] = func() string { return fmt.Sprint(host.Active()) }
	return func() error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		err := host.Stop(ctx)
		nc.Close()
		return err
	}, nil
}

package actorhost_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// A benchmark has servers, hosts and subscribers in processes of their own, so that what each of them takes can be told.
// So has a test of what must not end a process.
// The test binary is their program too: envProgram is which of programs one is, its arguments are those of the process.
const envProgram = "TROUPE_BENCH_PROGRAM"

// programs start what their processes are. They add the orders that these take, and return what ends them.
var programs = map[string]func(args []string, orders map[string]func() string) (end func() error, err error){
	"server":     runServer,
	"boats":      runBoats,
	"crates":     runCrates,
	"metronomes": runMetronomes,
	"marathons":  runMarathons,
	"echoes":     runEchoes,
	"listeners":  runListeners,
	"misdoers":   runMisdoers,
	"bombs":      runBombs,
	"old stalls": runStalls(oldProgram),
	"new stalls": runStalls(newProgram),
}

// runProgram is the process. It says that it is ready, answers each line that it is told with a line, and ends with its
// input.
func runProgram(name string, args []string) error {
	orders := map[string]func() string{
		"usage": ownUsage,
		"time":  func() string { return fmt.Sprint(int64(ownTime())) },
	}
	end, err := programs[name](args, orders)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, name)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Fprintln(os.Stdout, orders[lines.Text()]())
	}
	return errors.Join(lines.Err(), end())
}

// process is one of them, as the benchmark sees it.
type process struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
	url     string // of a server
}

// startProcess returns when it is ready. It ends with the benchmark.
func startProcess(tb testing.TB, program string, args ...string) *process {
	tb.Helper()
	return startBinary(tb, os.Args[0], program, args...)
}

// startBinary is startProcess for another binary.
func startBinary(tb testing.TB, binary, program string, args ...string) *process {
	tb.Helper()
	p := &process{command: exec.Command(binary, args...)}
	p.command.Env = append(os.Environ(), envProgram+"="+program)
	p.command.Stderr = os.Stderr
	var err error
	p.input, err = p.command.StdinPipe()
	require.NoError(tb, err)
	output, err := p.command.StdoutPipe()
	require.NoError(tb, err)
	p.output = bufio.NewReader(output)
	require.NoError(tb, p.command.Start())
	tb.Cleanup(func() { p.end(tb) })
	require.Equal(tb, program, p.answer(tb))
	return p
}

// end ends it, and waits for that. It does nothing the second time.
func (p *process) end(tb testing.TB) {
	tb.Helper()
	if p.input != nil {
		require.NoError(tb, errors.Join(p.input.Close(), p.command.Wait()))
		p.input = nil
	}
}

// kill ends it as a crash does.
func (p *process) kill(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, p.command.Process.Kill())
	_ = p.command.Wait() // the error is that it was killed
	p.input = nil
}

func (p *process) order(tb testing.TB, what string) string {
	tb.Helper()
	_, err := fmt.Fprintln(p.input, what)
	require.NoError(tb, err)
	return p.answer(tb)
}

func (p *process) answer(tb testing.TB) string {
	tb.Helper()
	line, err := p.output.ReadString('\n')
	require.NoError(tb, err)
	return strings.TrimSpace(line)
}

// time is how much time of processors it has taken.
func (p *process) time(b *testing.B) (taken time.Duration) {
	b.Helper()
	_, err := fmt.Sscan(p.order(b, "time"), (*int64)(&taken))
	require.NoError(b, err)
	return taken
}

// usage is what a process takes.
type usage struct {
	Live       uint64 // bytes of the heap that are reachable
	Taken      uint64 // bytes that it has from the system
	Goroutines int
}

func (p *process) usage(b *testing.B) (u usage) {
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

// hostName is by which a server knows the connection of a host.
const hostName = "host"

// runServer runs a server as package bus starts them, which in addition can drop the connection of a host. It stores in
// the folder that is its argument.
func runServer(args []string, orders map[string]func() string) (end func() error, err error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: args[0],
		SyncInterval: 100 * time.Millisecond, NoSublistCache: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return nil, errors.New("the server does not start")
	}
	orders["url"] = s.ClientURL
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
	return func() error { s.Shutdown(); s.WaitForShutdown(); return nil }, nil
}

func startServer(b *testing.B) *process {
	b.Helper()
	server := startProcess(b, "server", b.TempDir())
	server.url = server.order(b, "url")
	return server
}

package actorhost_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
)

// The test binary is also the program of the processes of a benchmark. What one of them is to be is in these.
const (
	envRole = "TROUPE_BENCH_ROLE" // server or echo
	envURL  = "TROUPE_BENCH_URL"  // of echo: the server
)

// runRole runs a process of a benchmark until its input ends, if this is one. It prints a line when it is ready, the
// server its URL, and for each line of its input how much time of a processor it has taken.
func runRole() (is bool, err error) {
	ready := func(line string) {
		_, _ = fmt.Fprintln(os.Stdout, line)
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			_, _ = fmt.Fprintln(os.Stdout, int64(ownTime()))
		}
	}
	switch os.Getenv(envRole) {
	case "server":
		server, err := bus.StartServer(bus.ServerOptions{Memory: true, Listen: "127.0.0.1:0"})
		if err != nil {
			return true, err
		}
		defer server.Shutdown()
		ready(server.URL())
		return true, nil
	case "echo":
		ctx := context.Background()
		stop, err := serveEchoes(ctx, func() (*nats.Conn, error) { return bus.Connect(ctx, bus.Options{URL: os.Getenv(envURL)}) })
		if err != nil {
			return true, err
		}
		defer stop()
		ready("echo")
		return true, nil
	}
	return false, nil
}

// ownTime is how much time of a processor this process has taken.
func ownTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // never fails for oneself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// role is a process of a benchmark.
type role struct {
	input  io.WriteCloser
	output *bufio.Reader
	line   string // that it has printed when it was ready
}

// time is how much time of a processor it has taken.
func (r *role) time() (time.Duration, error) {
	if _, err := fmt.Fprintln(r.input); err != nil {
		return 0, err
	}
	line, err := r.output.ReadString('\n')
	if err != nil {
		return 0, err
	}
	taken, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return time.Duration(taken), err
}

func startRole(b *testing.B, env ...string) *role {
	b.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), env...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	require.NoError(b, err)
	output, err := command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	b.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait()
	})
	r := &role{input: input, output: bufio.NewReader(output)}
	r.line, err = r.output.ReadString('\n')
	require.NoError(b, err, "the process has ended")
	return r
}

// benchProcesses starts a server and what answers, each in a process of its own.
func benchProcesses(b *testing.B) stage {
	b.Helper()
	server := startRole(b, envRole+"=server")
	url := strings.TrimSpace(server.line)
	echo := startRole(b, envRole+"=echo", envURL+"="+url)
	nc, err := bus.Connect(b.Context(), bus.Options{URL: url})
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	return stage{nc, func() time.Duration {
		all := ownTime()
		for _, r := range []*role{server, echo} {
			taken, err := r.time()
			require.NoError(b, err)
			all += taken
		}
		return all
	}}
}

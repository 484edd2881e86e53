package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
	"github.com/troupe-go/troupe/internal/bustest" //nolint:depguard // a free port, for a test of ours
)

// TestSIGTERM asks a host process all the while whether it is ready, and calls it, while it is told to end: it never refuses a call and
// says that it is ready.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: server.URL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	binary := filepath.Join(t.TempDir(), "orders")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)

	probes := fmt.Sprint("127.0.0.1:", bustest.FreePort(t))
	host := stagetest.Command(t.Context(), binary, "--serve", "--quiet", "--probes", probes)
	host.Env, host.Stderr = append(os.Environ(), "NATS_URL="+server.URL()), t.Output()
	require.NoError(t, host.Start())
	ended := make(chan error, 1)
	go func() { ended <- host.Wait() }()
	ready := func() int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+probes+"/readyz", nil)
		require.NoError(t, err)
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			return 0 // nobody answers
		}
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	require.Eventually(t, func() bool { return ready() == http.StatusOK }, 20*time.Second, 10*time.Millisecond)
	refused := func() bool { // without the patience of a client, which would look for another host
		call := nats.NewMsg("troupe.route.inventory.main.stockLeft")
		call.Header.Set("Content-Type", "application/json")
		answer, err := nc.RequestMsg(call, 10*time.Second)
		return err != nil || answer.Header.Get("Troupe-Error-Code") != ""
	}
	require.False(t, refused())

	told := time.Now()
	require.NoError(t, host.Process.Signal(syscall.SIGTERM))
	notReady := func() bool { return ready() != http.StatusOK }
	answered, notReadyAfter := 0, time.Duration(0)
	for !refused() {
		answered++
		if notReadyAfter == 0 && notReady() {
			notReadyAfter = time.Since(told)
		}
	}
	refusedAfter := time.Since(told)
	require.True(t, notReady(), "it has refused a call, and says that it is ready")
	require.NoError(t, <-ended)
	t.Logf("after SIGTERM: not ready after %v (zero: as soon as a call was refused), a call refused after %v and %d that were answered, gone after %v",
		notReadyAfter, refusedAfter, answered, time.Since(told))
}

package examples_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

// The mains are there to be copied, so each shows all of it. What is learned about one of them has to get into all.
func TestMainsAreAlike(t *testing.T) {
	t.Parallel()
	source := func(name string) string {
		text, err := os.ReadFile(filepath.Join(name, "main.go"))
		require.NoError(t, err)
		_, code, ok := strings.Cut(string(text), "\npackage main\n") // after what the example is about
		require.True(t, ok, name)
		return code
	}
	orders := source("orders")
	for _, name := range []string{"workflow", "analytics", "audit", "batch", "carts", "agent", "mail", "saga", "approval"} {
		require.Equal(t, orders, source(name), name)
	}

	start, rest, ok := strings.Cut(orders, "\n// run is ")
	require.True(t, ok)
	_, ends, ok := strings.Cut(rest, "\n}\n")
	require.True(t, ok)
	require.True(t, strings.HasPrefix(source("chat"), start), "chat starts like the others")
	require.True(t, strings.HasSuffix(source("chat"), ends), "chat ends like the others")
}

// The mains are alike, so one speaks for all.
func TestExitCodesOfAMain(t *testing.T) {
	t.Parallel()
	stagetest.Read(t, "orders/*.go", "internal/stage/*.go")
	binary := filepath.Join(t.TempDir(), "orders")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", binary, "./orders").CombinedOutput()
	require.NoError(t, err, "%s", out)
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })

	for name, test := range map[string]struct {
		url       string
		args      []string
		code      int
		complaint string
	}{
		"done":            {"", []string{"--data", t.TempDir()}, 0, ""},
		"help":            {"", []string{"--help"}, 0, "--serve"},
		"bad flag":        {"", []string{"--what"}, 2, "orders: "},
		"bad environment": {"http://127.0.0.1", nil, 2, "NATS_URL"},
		"nobody is there": {"nats://127.0.0.1:1", nil, 1, "error: "},
		"interrupted":     {"nats://" + silent.Addr().String(), nil, 130, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var complaints strings.Builder
			program := exec.CommandContext(t.Context(), binary, test.args...)
			program.Env = append(os.Environ(), "NATS_CONTEXT=", "NATS_URL="+test.url)
			program.Stderr = &complaints
			require.NoError(t, program.Start())
			if name == "interrupted" {
				conn, err := silent.Accept() // it connects, and so has a context that ends with a signal
				require.NoError(t, err)
				defer conn.Close()
				require.NoError(t, program.Process.Signal(os.Interrupt))
			}
			err := program.Wait()
			require.Equal(t, test.code, program.ProcessState.ExitCode(), "%v: %s", err, &complaints)
			require.Contains(t, complaints.String(), test.complaint)
			require.Equal(t, test.complaint == "", complaints.Len() == 0)
		})
	}
}

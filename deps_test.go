package troupe_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLibraryBringsNoTools lists what a program gets that hosts or calls actors: nothing that is for tools.
func TestLibraryBringsNoTools(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".", "./codec", "./bus", "./client", "./actorhost").Output()
	require.NoError(t, err)
	for _, unwanted := range []string{
		"go.opentelemetry.io/", "github.com/prometheus/", "github.com/modelcontextprotocol/", "github.com/getkin/",
		"github.com/stretchr/", "github.com/troupe-go/troupe/client/gateway", "github.com/troupe-go/troupe/client/inspect",
	} {
		require.NotContains(t, string(out), "\n"+unwanted)
	}
	require.Contains(t, string(out), "\ngithub.com/nats-io/nats.go\n", "it was looked for")
	require.Greater(t, strings.Count(string(out), "\n"), 200)
}

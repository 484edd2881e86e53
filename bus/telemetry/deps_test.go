package telemetry_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who does not import this package gets nothing of OpenTelemetry into a binary, and who does gets the API alone.
func TestOpenTelemetryStaysHere(t *testing.T) {
	t.Parallel()
	const module = "github.com/troupe-go/troupe"
	deps := func(packages ...string) string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps"}, packages...)...).CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	for _, foreign := range []string{"opentelemetry", "prometheus"} {
		require.NotContains(t, deps(module, module+"/codec", module+"/bus", module+"/client", module+"/actorhost", module+"/cmd/troupe"), foreign)
	}
	own := deps(module + "/bus/telemetry")
	require.Contains(t, own, "go.opentelemetry.io/otel/trace")
	for line := range strings.SplitSeq(own, "\n") {
		require.NotContains(t, line, "/otel/sdk")
		require.NotContains(t, line, "prometheus")
		require.NotContains(t, line, "troupe/actorhost")
		require.NotContains(t, line, "nats.go")
	}
}

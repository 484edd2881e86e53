package troupe_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadme builds and runs the program that the README shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, program, ok := strings.Cut(string(readme), "```go\n")
	require.True(t, ok)
	program, _, ok = strings.Cut(program, "```\n")
	require.True(t, ok)

	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(source, []byte(program), 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(here, "examples", "internal", "readme", "main.go"): source,
	}})
	require.NoError(t, err)
	overlayFile := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(overlayFile, overlay, 0o600))
	binary := filepath.Join(dir, "readme")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlayFile, "-o", binary, "./examples/internal/readme").CombinedOutput()
	require.NoError(t, err, "%s", out)

	for _, want := range []string{"{tx-anna-50} <nil>\n", "{tx-anna-100} <nil>\n"} { // the state survives the program
		run := exec.CommandContext(t.Context(), binary)
		run.Env = append(os.Environ(), "NATS_URL=", "NATS_CONTEXT=", "TROUPE_DATA="+filepath.Join(dir, "data"))
		out, err := run.Output()
		require.NoError(t, err)
		require.Equal(t, want, string(out))
	}
}

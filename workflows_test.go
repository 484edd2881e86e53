package troupe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWorkflowsPage checks that what docs/workflows.md shows is in the examples or in tests of them, line for line, and so compiles
// and works.
func TestWorkflowsPage(t *testing.T) {
	t.Parallel()
	var sources []string
	for _, pattern := range []string{
		"example_*_test.go", "actorhost/example_*_test.go", "examples/saga/*.go", "examples/approval/*.go", "actorhost/hosttest/*_test.go",
	} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			sources = append(sources, unindented(string(source)))
		}
	}
	page, err := os.ReadFile("docs/workflows.md")
	require.NoError(t, err)
	blocks := strings.Split(string(page), "```go\n")[1:]
	require.Greater(t, len(blocks), 10)
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```\n")
		found := false
		for _, source := range sources {
			found = found || strings.Contains(source, "\n"+unindented(block))
		}
		require.True(t, found, "no example has this:\n%s", block)
	}
}

// unindented is a text whose lines begin with what is there to see.
func unindented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimLeft(line, "\t "))
	}
	return out.String()
}

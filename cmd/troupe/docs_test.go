package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocumentedCommands parses the lines for a shell in the docs that begin with troupe.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range []string{"cli.md", "deploy.md", "operate.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		require.NoError(t, err)
		fenced := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			command, indented := strings.CutPrefix(line, "    ")
			command = strings.TrimSpace(strings.Replace(command, "go run ./cmd/troupe ", "troupe ", 1))
			if !fenced && !indented || !strings.HasPrefix(command, "troupe ") {
				continue
			}
			// A shell takes quotes and comments away.
			words, err := exec.CommandContext(t.Context(), "sh", "-euc", `troupe() { for word; do printf '%s\0' "$word"; done; }; `+command).Output()
			require.NoError(t, err, command)
			args := strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")
			var cli grammar
			_, _, err = parse(&cli, args, terminal{out: io.Discard, err: io.Discard})
			require.NoError(t, err, "%s: %s", page, command)
			found++
		}
	}
	require.Greater(t, found, 30)
}

package troupe_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCodeMap checks that every file which the map of the code names is there. A name without a folder is in that of the
// one before it, and in a row of the rooms in that of the room.
func TestCodeMap(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/code.md")
	require.NoError(t, err)
	files := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		first := strings.TrimSpace(cells[0])
		folder := "."
		if room, ok := strings.CutPrefix(first, "`"); ok {
			if folder, _, _ = strings.Cut(room, "`"); folder == "troupe" {
				folder = "."
			}
			first = strings.TrimSpace(cells[len(cells)-1])
			if strings.Contains(strings.TrimSpace(cells[0]), ", ") {
				continue // of several rooms, whose files are in their own
			}
		}
		for name := range strings.SplitSeq(first, ", ") {
			name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
			if !strings.HasSuffix(name, ".go") {
				continue
			}
			if path.Dir(name) != "." || strings.Contains(line, name+" (root)") {
				folder = path.Dir(name)
			}
			file := path.Join(folder, path.Base(name))
			require.FileExists(t, file, strings.TrimSpace(line))
			files++
		}
	}
	require.Greater(t, files, 50)
}

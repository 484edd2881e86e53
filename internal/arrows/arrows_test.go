package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKnot(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, true, []string{"./testdata/knot"}))
	require.Equal(t, `  files  lines  exported  arrows  back up  share  knot  package
      6     33         3       8        1   13 %     4  github.com/troupe-go/troupe/internal/arrows/testdata/knot

github.com/troupe-go/troupe/internal/arrows/testdata/knot: the largest knot
  left.go
  middle.go
  right.go
  shared.go

github.com/troupe-go/troupe/internal/arrows/testdata/knot: the arrows that run back up
  left.go -> right.go: right
`, out.String())
}

func TestArrowsHaveTheirNames(t *testing.T) {
	t.Parallel()
	graphs, err := load(t.Context(), "./testdata/knot")
	require.NoError(t, err)
	require.Len(t, graphs, 1)
	names := map[string][]string{}
	for a := range graphs[0].arrows {
		names[graphs[0].files[a.from]+" -> "+graphs[0].files[a.to]] = graphs[0].names(a)
	}
	require.Equal(t, map[string][]string{
		"top.go -> left.go":      {".value", "left"},
		"left.go -> right.go":    {"right"},
		"left.go -> base.go":     {"base"},
		"right.go -> left.go":    {".weight", "left"},
		"right.go -> shared.go":  {"shared"},
		"right.go -> middle.go":  {".value"},
		"shared.go -> middle.go": {"middle"},
		"middle.go -> left.go":   {".value", "left"},
	}, names)
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	lines := func(n int) string { return strings.Repeat("\n", n) }
	function := func(lines int) string { return "package p\n\nfunc f() {\n" + strings.Repeat("\n", lines) + "}\n" }
	write("fits.go", "package p"+lines(400))
	write("long_test.go", "package p"+lines(401))
	write("function.go", function(61))
	write("short.go", function(60))
	write("function_test.go", function(61))

	long, err := tooLong(dir)
	require.NoError(t, err)
	require.Equal(t, []string{
		filepath.Join(dir, "function.go") + ":3:10: f has 61 lines",
		filepath.Join(dir, "long_test.go") + ": 401 lines",
	}, long)
}

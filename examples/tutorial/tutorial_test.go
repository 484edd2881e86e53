// Package tutorial_test runs what docs/tutorial.md shows.
package tutorial_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

const page = "../../docs/tutorial.md"

var (
	chapter = regexp.MustCompile(`(?m)^## \d+\. `)
	code    = regexp.MustCompile("(?s)```go\n(.*?)```")
	command = regexp.MustCompile("(?s)    go run \\./examples/tutorial/(\\S+)\n\n```text\n(.*?)```")
)

// build builds the programs of all steps, and returns where they are.
func build(t *testing.T) (dir string, steps []string) {
	t.Helper()
	stagetest.Read(t, page, "*/*.go")
	dir = t.TempDir()
	mains, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	args := []string{"build", "-ldflags=-s -w", "-o", dir}
	for _, file := range mains {
		steps = append(steps, filepath.Dir(file))
		args = append(args, "./"+filepath.Dir(file))
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir, steps
}

// Each step prints what its chapter says that it prints, and the code that the chapter shows is that of the step.
func TestEachStepDoesWhatItsChapterSays(t *testing.T) {
	t.Parallel()
	dir, steps := build(t)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	chapters := chapter.Split(string(text), -1)[1:]
	require.Len(t, chapters, len(steps))
	for i, text := range chapters {
		t.Run(steps[i], func(t *testing.T) {
			t.Parallel()
			requireCodeOf(t, steps[i], text)
			runs := command.FindAllStringSubmatch(text, -1)
			require.NotEmpty(t, runs)
			data := t.TempDir()
			for _, run := range runs {
				require.Equal(t, steps[i], run[1])
				program := stagetest.Command(t.Context(), filepath.Join(dir, steps[i]))
				program.Env = append(os.Environ(), "NATS_CONTEXT=", "NATS_URL=", "TROUPE_DATA="+data)
				out, err := program.Output()
				require.NoError(t, err)
				require.Equal(t, run[2], string(out))
			}
		})
	}
}

// From step 3 to 9 only cafe.go is another, as the second chapter says.
func TestMainsAreAlike(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("0[3-9]-*/main.go")
	require.NoError(t, err)
	require.Len(t, mains, 7)
	var first string
	for _, file := range mains {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, code, ok := strings.Cut(string(text), "\npackage main\n")
		require.True(t, ok, file)
		first = cmp.Or(first, code)
		require.Equal(t, first, code, file)
	}
}

// requireCodeOf checks that what a chapter shows stands in its step.
func requireCodeOf(t *testing.T, step, chapter string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(step, "*.go"))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	shown := code.FindAllStringSubmatch(chapter, -1)
	require.NotEmpty(t, shown)
	for _, block := range shown {
		require.Contains(t, all.String(), block[1])
	}
}

// What the reader is told to do in an empty folder works there.
func TestFirstStepFromAnEmptyFolder(t *testing.T) {
	t.Parallel()
	stagetest.Read(t, "01-hello/main.go")
	here, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	source, err := os.ReadFile("01-hello/main.go")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), source, 0o600))
	sums, err := os.ReadFile("../../go.sum")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600)) // as go get would, without asking for anything
	for _, args := range [][]string{
		{"mod", "init", "example.com/cafe"},
		{"mod", "edit", "-require=github.com/troupe-go/troupe@v0.0.0", "-replace=github.com/troupe-go/troupe=" + here},
		{"run", "-mod=mod", "."},
	} {
		program := exec.CommandContext(t.Context(), "go", args...)
		program.Dir = dir
		out, err := program.CombinedOutput()
		require.NoError(t, err, "go %q: %s", args, out)
	}
}

package stagetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mustRun, when it is set, makes a failure of what is skipped otherwise: where everything has to be tested.
const mustRun = "TROUPE_TEST_ALL"

const killAfter = 10 * time.Second

// Lacking skips a test that needs something which is not here, or fails it if nothing may be skipped.
func Lacking(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv(mustRun) != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// installing is held by who looks whether there is something to install: tests of one directory run in parallel.
var installing sync.Mutex

// NPM installs what the package-lock.json of a directory names, if it is not there yet. Without Node or npm the test is
// skipped.
func NPM(t *testing.T, dir string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			Lacking(t, "%s is not installed: see https://nodejs.org", tool)
		}
	}
	Read(t, filepath.Join(dir, "package*.json"))
	if scripts := filepath.Join(dir, "*.*js"); len(matches(scripts)) > 0 {
		Read(t, scripts)
	}
	installing.Lock()
	defer installing.Unlock()
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	installed := func() bool {
		done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
		return err == nil && done.ModTime().After(lock.ModTime())
	}
	if installed() {
		return
	}
	defer alone(t, filepath.Join(dir, ".installing"))()
	if installed() { // by another process meanwhile
		return
	}
	install := exec.CommandContext(t.Context(), "npm", "ci")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		Lacking(t, "npm ci has failed: %v\n%s", err, out)
	}
}

// alone waits until no other process has the directory that it makes, and returns what removes that. One whose process was killed is
// given up after some time.
func alone(t *testing.T, lock string) (remove func()) {
	t.Helper()
	const patience = 3 * time.Minute
	for os.Mkdir(lock, 0o750) != nil {
		if made, err := os.Stat(lock); err == nil && time.Since(made.ModTime()) > patience {
			_ = os.Remove(lock) // or another does
		}
		if t.Context().Err() != nil {
			t.Fatalf("waiting for %s: %v", lock, t.Context().Err())
		}
		time.Sleep(100 * time.Millisecond) // another process tells nobody when it is done
	}
	return func() { _ = os.Remove(lock) }
}

func matches(pattern string) []string {
	files, _ := filepath.Glob(pattern) // the patterns are ours
	return files
}

// Read makes the files part of what the result of a test depends on, for the cache of go test.
func Read(t *testing.T, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no such files: %v", pattern, err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Node runs node in a directory and returns what it prints. The test fails when node does.
func Node(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	node := Command(t.Context(), "node", args...)
	node.Dir, node.Env = dir, append(os.Environ(), env...)
	out, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("node %q: %v\n%s", args, err, out)
	}
	t.Logf("node %q\n%s", args, out)
	return string(out)
}

// Command is a command that is asked to end, and killed if it does not, when ctx is done.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = killAfter
	return command
}

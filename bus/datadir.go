package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/gofrs/flock"
)

// ErrDataDirInUse is the error of [StartServer] and [Open] when another server uses the data directory.
var ErrDataDirInUse = errors.New("data directory in use")

// DefaultDataDir is the data directory of a program that is not configured: troupe/<program> in $XDG_DATA_HOME or
// ~/.local/share on Unix, in ~/Library/Application Support on macOS, in %LocalAppData% on Windows. It is the same at
// each start, and different for each user and each program name.
func DefaultDataDir() (string, error) {
	base, err := userDataDir()
	if err != nil {
		return "", fmt.Errorf("no place for the data, set TROUPE_DATA: %w", err)
	}
	return filepath.Join(base, "troupe", programName()), nil
}

func userDataDir() (string, error) {
	switch runtime.GOOS {
	case "windows":
		return os.UserCacheDir()
	case "darwin", "ios":
		return os.UserConfigDir()
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "share"), err
}

func programName() string {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	return strings.TrimSuffix(filepath.Base(path), ".exe")
}

// dataDir is a data directory that belongs to one server.
type dataDir struct {
	path    string
	lock    *flock.Flock // nil: a temporary directory
	urlFile string
}

// held keeps the locks of running servers from the garbage collector, which would close their files. A program may hold
// on to the connection only.
var held sync.Map

// lockDataDir creates the directory if necessary and locks it. The operating system unlocks it when the process dies.
func lockDataDir(path string) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	// The URL is not in the lock file, because Windows does not allow reading a locked file.
	d := &dataDir{path, flock.New(filepath.Join(path, "troupe.lock")), filepath.Join(path, "troupe.url")}
	locked, err := d.lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("locking the data directory: %w", err)
	case !locked:
		join := "its server takes no connections"
		if text, err := os.ReadFile(d.urlFile); err == nil && len(text) > 0 {
			join = "set NATS_URL=" + strings.TrimSpace(string(text)) + " to join its server"
		}
		return nil, fmt.Errorf("%w by another process: %s: %s, or TROUPE_DATA to use another directory", ErrDataDirInUse, path, join)
	}
	held.Store(d, nil)
	_ = os.Remove(d.urlFile) // left by a process that was killed
	return d, nil
}

// temporaryDataDir creates a directory that release removes.
func temporaryDataDir() (*dataDir, error) {
	path, err := os.MkdirTemp("", "troupe-")
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return &dataDir{path: path}, nil
}

// announce writes the URL for programs that find the directory locked. Errors do not matter: it is a hint.
func (d *dataDir) announce(url string) {
	if d.urlFile != "" && url != "" {
		_ = os.WriteFile(d.urlFile, []byte(url+"\n"), 0o600)
	}
}

func (d *dataDir) release() {
	if d.lock == nil {
		_ = os.RemoveAll(d.path)
		return
	}
	held.Delete(d)
	_ = os.Remove(d.urlFile)
	_ = d.lock.Close() // unlocks; the file stays, because removing it could let two processes have the lock
}

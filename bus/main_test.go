package bus_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDataDir); dir != "" {
		os.Exit(child(dir))
	}
	bustest.Main(m)
}

// refusing is an address where nothing listens.
func refusing(t *testing.T) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", bustest.FreePort(t))
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

package examples_test

import (
	"go/build"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A contract is for callers in other programs too: it must not bring NATS, msgpack or a host along.
func TestContractsImportNothingButTroupe(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"orders/shop", "workflow/flow", "analytics/metrics", "audit/company", "batch/work"} {
		pkg, err := build.ImportDir(dir, 0)
		require.NoError(t, err)
		require.Contains(t, pkg.Imports, "github.com/troupe-go/troupe")
		for _, path := range pkg.Imports {
			first, _, _ := strings.Cut(path, "/")
			standard := !strings.Contains(first, ".")
			require.True(t, standard || path == "github.com/troupe-go/troupe", "%s imports %s", dir, path)
		}
	}
}

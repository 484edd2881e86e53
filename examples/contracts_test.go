package examples_test

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/troupe-go/troupe"

var noContracts = []string{module + "/examples", module + "/examples/node", module + "/examples/tutorial"}

// A contract is for everybody who calls the actors: it must bring them neither NATS nor a host.
func TestContractsImportNothingButTroupe(t *testing.T) {
	t.Parallel()
	format := `{{if ne .Name "main"}}{{.ImportPath}} {{join .Deps " "}}{{end}}`
	list := exec.CommandContext(t.Context(), "go", "list", "-f", format, "./...")
	var complaints strings.Builder
	list.Stderr = &complaints
	out, err := list.Output()
	require.NoError(t, err, complaints.String())

	var contracts []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || slices.Contains(noContracts, fields[0]) || strings.Contains(fields[0], "/internal/") {
			continue
		}
		foreign := slices.DeleteFunc(fields[1:], func(dependency string) bool {
			first, _, _ := strings.Cut(dependency, "/")
			return !strings.Contains(first, ".") // of the standard library
		})
		require.Equal(t, []string{module}, foreign, fields[0])
		contracts = append(contracts, path.Base(path.Dir(fields[0])))
	}
	require.ElementsMatch(t, []string{"agent", "analytics", "approval", "audit", "batch", "carts", "chat", "mail", "orders", "saga", "workflow"}, contracts)
}

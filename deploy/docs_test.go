package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCommandsOfDeployPage checks what the lines for a shell in docs/deploy.md name: files, targets and services. Those that begin with
// troupe are parsed in cmd/troupe.
func TestCommandsOfDeployPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/deploy.md")
	require.NoError(t, err)
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	made := regexp.MustCompile(`\b(secrets|bin)/`)
	var programs []string
	for line := range strings.Lines(string(page)) {
		command, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		if !ok {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-nc", command).CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
		words := strings.Fields(command)
		if words[0] == "sudo" {
			words = words[1:]
		}
		programs = append(programs, words[0])
		switch words[0] {
		case "make":
			require.Contains(t, string(makefile), "\n"+words[1]+": ")
		case "docker":
			if words[1] == "compose" {
				require.Contains(t, services(t), words[len(words)-1])
			}
		}
		for _, word := range words {
			file := word[strings.LastIndex(word, "=")+1:]
			if strings.Contains(file, "deploy/") || strings.HasPrefix(file, "./") {
				require.FileExists(t, existing(t, file), command)
			} else if strings.Contains(file, "/") && !made.MatchString(file) && !strings.HasPrefix(file, "/") && !strings.Contains(file, "://") {
				require.Contains(t, []string{"nats/nats", "deployment/orders"}, file, command)
			}
		}
	}
	for _, program := range []string{"make", "docker", "kubectl", "helm", "systemctl", "install", "go", "nats-server"} {
		require.Contains(t, programs, program)
	}
}

// existing is the file, or one in the directory of that name.
func existing(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", name)
	info, err := os.Stat(path)
	require.NoError(t, err)
	if !info.IsDir() {
		return path
	}
	files, err := filepath.Glob(filepath.Join(path, "*.*"))
	require.NoError(t, err)
	require.NotEmpty(t, files, name)
	return files[0]
}

package deploy_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// shellBlocks are the scripts in a section of a page of docs.
func shellBlocks(t *testing.T, page, section string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/" + page)
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "\n## "+section+"\n")
	require.True(t, ok, section)
	rest, _, _ = strings.Cut(rest, "\n## ")
	for _, block := range strings.Split(rest, "\n```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "\n```\n")
		blocks = append(blocks, block)
	}
	return blocks
}

// TestBackupAndRestore runs the scripts of docs/operate.md: it copies a system with something of everything while its host runs, and
// brings it to another server.
func TestBackupAndRestore(t *testing.T) {
	scripts := shellBlocks(t, "operate.md", "Backup and restore")
	require.Len(t, scripts, 3)
	natsBinary := natsCommand(t)
	in := inhabit(t)
	work, path := t.TempDir(), strings.Join([]string{filepath.Dir(natsBinary), filepath.Dir(in.binary), os.Getenv("PATH")}, ":")
	shell := func(g guarded, script string) string {
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
		cmd.Dir = work
		cmd.Env = []string{"PATH=" + path, "HOME=" + in.home, "NATS_URL=" + g.url, "NATS_USER=admin", "NATS_PASSWORD=" + password}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	shell(in.g, scripts[0])
	copies, err := os.ReadDir(filepath.Join(work, "backup"))
	require.NoError(t, err)
	require.Len(t, copies, 9)                   // no call has an id
	for _, command := range streamCommands(t) { // KIND add NAME
		words := strings.Fields(command)
		name := words[2]
		if words[0] == "kv" {
			name = "KV_" + name
		}
		require.Equal(t, name != "KV_troupe-hosts", strings.Contains(scripts[0], " "+name), name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = in.host.Stop(ctx) // something runs for long in it
	in.g.stop()

	options := users(t)
	options.Users = append(options.Users, &server.User{Username: "admin", Password: password})
	in.g = guard(t, options)
	shell(in.g, scripts[1])
	in.start(t)
	require.Contains(t, shell(in.g, scripts[2]), " records can be decoded\n")
	in.do(t, "operator", []feat{{"doctor", succeeds}, {"schedule ls room org1/lobby", succeeds}, {"queue dead room org1/lobby post", succeeds},
		{"workflow show room org2/a", succeeds}, {"check", 1}, {"check --dead 1", succeeds}})
	cl := in.g.client(t, "host")
	lobby, a := troupe.GetOrCreate[room](cl, "org1", "lobby"), troupe.GetOrCreate[room](cl, "org2", "a")
	texts, err := history.Call(t.Context(), lobby, nil)
	require.NoError(t, err)
	require.Contains(t, texts, "hi")
	require.NoError(t, accepted.Send(t.Context(), a, true)) // the workflow goes on
	_, err = invite.Result(t.Context(), a)
	require.NoError(t, err)
	_, err = note.Call(t.Context(), a, "bread") // those who attend hear of it
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		texts, err := history.Call(t.Context(), lobby, nil)
		return err == nil && strings.Contains(strings.Join(texts, "\n"), "bread")
	}, 30*time.Second, 10*time.Millisecond)
}

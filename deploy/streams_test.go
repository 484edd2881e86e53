package deploy_test

import (
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
)

// streamCommands are the commands in docs/hosts.md that make the streams.
func streamCommands(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/hosts.md")
	require.NoError(t, err)
	var commands []string
	for _, found := range regexp.MustCompile(`(?m)^    nats ((?:kv|stream) add .*)$`).FindAllSubmatch(text, -1) {
		commands = append(commands, string(found[1]))
	}
	return commands
}

// TestStreamsMadeByHand makes the streams as docs/hosts.md says, and then starts a host that may make none.
func TestStreamsMadeByHand(t *testing.T) {
	binary := natsCommand(t)
	dir, home := t.TempDir(), t.TempDir()
	open := guard(t, &server.Options{StoreDir: dir})
	commands := streamCommands(t)
	require.Len(t, commands, 11)
	for _, command := range commands {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `"$0" --server "$1" `+command, binary, open.url)
		cmd.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home}
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", command, output)
	}
	open.stop()

	options := users(t)
	options.StoreDir = dir
	publish := hostOf(options).Publish
	publish.Allow = slices.DeleteFunc(publish.Allow, func(rule string) bool { return strings.Contains(rule, ".STREAM.CREATE.") })
	g := guard(t, options)
	var logged bustest.Log
	host, err := actorhost.Start(t.Context(), g.connect(t, "host"),
		actorhost.Config{Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))}, rooms)
	require.NoError(t, err)
	require.NoError(t, g.archive(t, never))
	require.NoError(t, g.wakes(t, "a"))
	require.NoError(t, host.Stop(t.Context()))
	require.Empty(t, logged.String())
	var queues bustest.Log
	require.NoError(t, g.startPosting(t, &queues))
	require.NoError(t, g.posts(t))
	require.NotContains(t, queues.String(), "not as a host would make it")
}

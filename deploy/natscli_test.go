package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"
)

// versionOf is what the Makefile names for a tool.
func versionOf(t *testing.T, variable string) string {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^` + variable + ` +:= (\S+)$`).FindSubmatch(makefile)
	require.NotNil(t, version, "the Makefile names a version")
	return string(version[1])
}

// tool builds a program in the version that the Makefile names. It stays in the user's cache directory.
func tool(t *testing.T, name, variable, path string) string {
	t.Helper()
	version := versionOf(t, variable)
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "troupe", name+"-"+version)
	binary := filepath.Join(dir, name)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	build := exec.CommandContext(t.Context(), "go", "install", path+"@"+version)
	build.Env = append(os.Environ(), "GOBIN="+dir)
	if output, err := build.CombinedOutput(); err != nil {
		require.Empty(t, os.Getenv("TROUPE_TEST_ALL"), "%s", output)
		// Only where not everything has to be tested, as it has in CI.
		t.Skipf("%s cannot be built, for which it must be downloaded: %v\n%s", name, err, output)
	}
	return binary
}

func natsCommand(t *testing.T) string {
	t.Helper()
	return tool(t, "nats", "NATSCLI_VERSION", "github.com/nats-io/natscli/nats")
}

// A user of the nats command needs nothing else to call actors, to listen to them, and to see their hosts.
func TestNATSCommand(t *testing.T) {
	binary := natsCommand(t)
	g := guard(t, users(t))
	host, err := g.start(t)
	require.NoError(t, err)
	home := t.TempDir()
	command := func(user string, args ...string) *exec.Cmd {
		connect := []string{"--server", g.url, "--user", user, "--password", password, "--inbox-prefix", "_INBOX." + user}
		cmd := exec.CommandContext(t.Context(), binary, append(connect, args...)...)
		cmd.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home}
		return cmd
	}
	run := func(user string, args ...string) string {
		output, err := command(user, args...).CombinedOutput()
		require.NoError(t, err, "%s: %s", args, output)
		return string(output)
	}
	const asJSON = "Content-Type:application/json"

	var heard bytes.Buffer
	listener := command("watcher", "sub", "troupe.event.room.org1.>", "--count", "1")
	listener.Stdout = &heard
	require.NoError(t, listener.Start())
	require.Eventually(t, func() bool {
		return g.server.GlobalAccount().SubscriptionInterest("troupe.event.room.org1.lobby.said")
	}, 30*time.Second, 10*time.Millisecond)

	require.Equal(t, "1", strings.TrimSpace(run("org1", "req", "troupe.route.room.org1.lobby.say", `"hello"`, "-H", asJSON, "--raw")))
	require.NoError(t, listener.Wait())
	require.Contains(t, heard.String(), `"troupe.event.room.org1.lobby.said"`)
	require.Contains(t, heard.String(), "hello")

	require.Equal(t, `["hello"]`, strings.TrimSpace(run("org1", "req", "troupe.route.room.org1.lobby.history", "", "-H", asJSON, "--raw")))
	refused := run("org1", "req", "troupe.route.room.org1.lobby.say", "5", "-H", asJSON)
	require.Contains(t, refused, "Nats-Service-Error-Code: 400")
	require.Contains(t, refused, "Nats-Service-Error: bad_input: room/org1/lobby.say: ")
	require.Contains(t, refused, `{"code":"bad_input",`)

	list := run("watcher", "micro", "ls")
	require.Contains(t, list, host.ID())
	require.Regexp(t, `actors on .*: room`, list)
	info := run("watcher", "micro", "info", "troupe", host.ID())
	for _, want := range []string{"room-say", "room-history", "troupe.route.room.>", "hosts", "action: say"} {
		require.Contains(t, info, want)
	}
	var stats []micro.Stats
	require.NoError(t, json.Unmarshal([]byte(run("watcher", "micro", "stats", "troupe", "--json")), &stats))
	require.Len(t, stats, 1)
	endpoints := make(map[string]*micro.EndpointStats)
	for _, endpoint := range stats[0].Endpoints {
		endpoints[endpoint.Name] = endpoint
	}
	require.Len(t, endpoints, 11)
	require.Equal(t, 2, endpoints["room-say"].NumRequests)
	require.Equal(t, 1, endpoints["room-say"].NumErrors)
	require.Contains(t, endpoints["room-say"].LastError, "bad_input: ")
	require.Equal(t, 1, endpoints["room-history"].NumRequests)
	require.Positive(t, endpoints["room-history"].ProcessingTime)

	require.NoError(t, host.Stop(context.Background()))
	output, _ := command("watcher", "micro", "ls").CombinedOutput() // fails: there is none
	require.Contains(t, string(output), "no service instances found")
}

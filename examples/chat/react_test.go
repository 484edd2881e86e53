package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

const clientDir, reactDir = "../../client/js", "../react"

// TestReact packs the JavaScript client as it would be published, builds the page of examples/react with it, and drives that in a browser.
func TestReact(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	stagetest.NPM(t, clientDir)
	stagetest.NPM(t, reactDir)
	stagetest.Read(t, clientDir+"/*.ts", reactDir+"/*.*", reactDir+"/src/*")
	dir := t.TempDir()
	run := func(in, name string, args ...string) []byte {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = in
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s %q: %s", name, args, out)
		return out
	}
	run(reactDir, "cp", "-r", "index.html", "package.json", "tsconfig.json", "src", dir)
	installed := filepath.Join(dir, "node_modules")
	packages, err := filepath.Glob(reactDir + "/node_modules/*")
	require.NoError(t, err)
	packages = append(packages, clientDir+"/node_modules/@msgpack") // which the client would bring
	require.NoError(t, os.Mkdir(installed, 0o750))
	for _, at := range packages {
		absolute, err := filepath.Abs(at)
		require.NoError(t, err)
		if filepath.Base(at) != "@troupe-go" {
			require.NoError(t, os.Symlink(absolute, filepath.Join(installed, filepath.Base(at))))
		}
	}
	run(clientDir, "npm", "pack", "--pack-destination", dir)
	packed, err := filepath.Glob(dir + "/*.tgz")
	require.NoError(t, err)
	require.Len(t, packed, 1)
	run(dir, "mkdir", "-p", "node_modules/@troupe-go/client")
	run(dir, "tar", "-xzf", packed[0], "--strip-components=1", "-C", "node_modules/@troupe-go/client")
	run(dir, "node_modules/.bin/tsc")
	t.Logf("%s", run(dir, "node_modules/.bin/vite", "build"))

	page := httptest.NewServer(http.FileServerFS(os.DirFS(filepath.Join(dir, "dist"))))
	t.Cleanup(page.Close)
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, WebSocket: "127.0.0.1:0", WebSocketOrigins: []string{page.URL}})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: server.URL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, actors(nc)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	stagetest.Node(t, "browser", []string{"PAGE=" + page.URL, "BUS=" + server.WebSocketURL(), "CHROMIUM=" + browser}, "--test", "react.test.mjs")
}

// TestPackage has the tools of npm look at the package, and at its size.
func TestPackage(t *testing.T) {
	t.Parallel()
	stagetest.NPM(t, clientDir)
	stagetest.Read(t, clientDir+"/*.ts", clientDir+"/README.md")
	check := exec.CommandContext(t.Context(), "npm", "run", "check")
	check.Dir = clientDir
	out, err := check.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)

	text, err := os.ReadFile(clientDir + "/package.json")
	require.NoError(t, err)
	var manifest struct{ Version string }
	require.NoError(t, json.Unmarshal(text, &manifest))
	changes, err := os.ReadFile("../../CHANGELOG.md")
	require.NoError(t, err)
	require.Regexp(t, `(?s)\A[^[]*\[Keep[^[]*\[docs[^[]*\[(Unreleased\]\nThis will be v|)`+manifest.Version+`\b`, string(changes), "the package has the version of the release")
}

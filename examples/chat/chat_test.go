package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/chat/room"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
}

// TestBrowser chats in two tabs of a browser, while the program is killed and started again.
func TestBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	binary := filepath.Join(t.TempDir(), "chat")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	stagetest.Node(t, "browser", []string{"CHAT=" + binary, "CHROMIUM=" + browser, "PICTURES=" + t.ArtifactDir()}, "--test", "chat.test.mjs")
}

// chromium finds the browser, and what drives it.
func chromium(t *testing.T) (path string) {
	t.Helper()
	stagetest.NPM(t, "browser")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	stagetest.Lacking(t, "Chromium is not installed: apt-get install chromium")
	return ""
}

// TestPageOfATenant has a page do what deploy/auth.conf allows it, and what it does not.
func TestPageOfATenant(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	pages := servePages(t)
	srv := stagetest.Tenant(t, "../../deploy/auth.conf", pages)
	stagetest.Node(t, "browser", []string{"PAGES=" + pages, "BUS=" + srv.WebsocketURL(), "CHROMIUM=" + browser}, "--test", "tenant.test.mjs")
}

// TestGuestByCookie has a page come in by a cookie, for as long as it is good, on a server of deploy/keys with deploy/callout.
func TestGuestByCookie(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	pages := servePages(t)
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		out, err := exec.CommandContext(t.Context(), name, args...).Output()
		require.NoError(t, err, "%s %q: %s", name, args, out)
		return strings.TrimSpace(string(out))
	}
	run("go", "build", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), "../../deploy/keys", "../../deploy/callout")
	secrets, key := filepath.Join(dir, "secrets"), filepath.Join(dir, "session.key")
	run(filepath.Join(dir, "keys"), "init", secrets)
	require.NoError(t, os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600))
	srv := stagetest.TenantAs(t, filepath.Join(secrets, "nats.conf"),
		bus.Config{Creds: filepath.Join(secrets, "creds", "host.creds"), InboxPrefix: "_INBOX.staff.host"}, pages)
	callout := stagetest.Command(t.Context(), filepath.Join(dir, "callout"), "serve", secrets, "--key", key, "--valid", "3s")
	callout.Env = append(os.Environ(), "NATS_URL="+srv.ClientURL())
	told, err := callout.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, callout.Start())
	t.Cleanup(func() { _ = callout.Wait() }) // it ends with the context of the test
	require.True(t, bufio.NewScanner(told).Scan(), "it says that it answers")
	cookie := run(filepath.Join(dir, "callout"), "session", "--key", key, "org1", "ann")
	stagetest.Node(t, "browser", []string{
		"PAGES=" + pages, "BUS=" + srv.WebsocketURL(), "CHROMIUM=" + browser, "COOKIE=" + cookie,
	}, "--test", "tenant.test.mjs")
}

// servePages serves an empty page and the modules of the client, and returns where.
func servePages(t *testing.T) (url string) {
	t.Helper()
	stagetest.Read(t, "../../client/js/*.js", "../../client/js/test/*.js")
	files := http.NewServeMux()
	files.Handle("GET /lib/", http.FileServerFS(os.DirFS("page")))
	files.Handle("GET /troupe/", http.StripPrefix("/troupe/", http.FileServerFS(os.DirFS("../../client/js"))))
	files.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `<!doctype html><script type="importmap">{"imports":`+ // to a browser of ours
			`{"@troupe-go/client":"/troupe/index.js","@nats-io/nats-core":"/lib/nats-core.js","@msgpack/msgpack":"/lib/msgpack.js"}}</script>`)
	})
	pages := httptest.NewServer(files)
	t.Cleanup(pages.Close)
	return pages.URL
}

// world is a room with a host, whose bots are on the same bus.
type world struct {
	*hosttest.Bus

	nc *nats.Conn
}

func start(t *testing.T) world {
	t.Helper()
	b := hosttest.Start(t)
	nc := b.Connect()
	b.Host(actors(nc)...)
	return world{b, nc}
}

func (w world) lobby(c *client.Client) room.Room { return troupe.GetOrCreate[room.Room](c, "lobby") }

func (w world) view(t *testing.T) room.View {
	t.Helper()
	view, err := room.Look.Call(t.Context(), w.lobby(w.Client), nil)
	require.NoError(t, err)
	return view
}

// texts are what the room remembers, as "from: text".
func (w world) texts(t *testing.T) (texts []string) {
	t.Helper()
	for i, m := range w.view(t).Messages {
		require.Equal(t, i+1, m.Number)
		texts = append(texts, m.From+": "+m.Text)
	}
	return texts
}

func TestTour(t *testing.T) {
	t.Parallel()
	w := start(t)
	require.NoError(t, startDice(w.nc))
	stagetest.TakeOn(t, w.Bus, tour)
	require.Len(t, w.texts(t), 3)
}

func TestGuests(t *testing.T) {
	t.Parallel()
	w := start(t)
	welcomes, presents := make(chan room.View, 8), make(chan []string, 8)
	ann, err := room.Enter.Connect(t.Context(), w.lobby(w.Client), room.Guest{Name: " Ann "},
		room.Welcome.On(func(_ context.Context, v room.View) error { welcomes <- v; return nil }),
		room.Present.On(func(_ context.Context, names []string) error { presents <- names; return nil }))
	require.NoError(t, err)
	require.Equal(t, []string{"Ann"}, (<-welcomes).Present)
	ben, err := room.Enter.Connect(t.Context(), w.lobby(w.NewClient(client.Config{})), room.Guest{Name: "Ben"})
	require.NoError(t, err)
	require.Equal(t, []string{"Ann", "Ben"}, <-presents)

	_, err = room.Say.Call(t.Context(), ben.Actor(), " hello ")
	require.NoError(t, err)
	_, err = room.Say.Call(t.Context(), w.lobby(w.Client), "hello from outside")
	require.NoError(t, err)
	require.Equal(t, []string{"Ben: hello", nobody + ": hello from outside"}, w.texts(t))

	require.NoError(t, ben.Close(t.Context()))
	require.Equal(t, []string{"Ann"}, <-presents)
	require.NoError(t, ann.Close(t.Context()))
	require.Empty(t, w.view(t).Present)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, name := range []string{"", "  ", strings.Repeat("é", longestName+1)} {
		_, err := room.Enter.Connect(t.Context(), w.lobby(w.Client), room.Guest{Name: name})
		require.ErrorIs(t, err, room.ErrBadName, name)
	}
	for text, want := range map[string]error{
		" ": room.ErrBadText, strings.Repeat("é", longestText+1): room.ErrBadText,
		"@nobody are you there?": room.ErrNoBot, "@*.> hm": room.ErrNoBot,
	} {
		_, err := room.Say.Call(t.Context(), w.lobby(w.Client), text)
		require.ErrorIs(t, err, want, text)
	}
	require.Empty(t, w.texts(t), "what is refused was never said")
	_, err := room.Say.Call(t.Context(), w.lobby(w.Client), strings.Repeat("é", longestText))
	require.NoError(t, err)
}

func TestBots(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, err := w.nc.Subscribe("chat.bot.echo", func(question *nats.Msg) { _ = question.Respond(question.Data) })
	require.NoError(t, err)
	_, err = w.nc.Subscribe("chat.bot.mute", func(*nats.Msg) {})
	require.NoError(t, err)
	_, err = w.nc.Subscribe("chat.bot.noise", func(question *nats.Msg) { _ = question.Respond([]byte{0xff}) })
	require.NoError(t, err)

	lobby := w.lobby(w.Client)
	_, err = room.Say.Call(t.Context(), lobby, "@echo is there anybody?")
	require.NoError(t, err)
	require.Equal(t, []string{nobody + ": @echo is there anybody?", "echo: is there anybody?"}, w.texts(t))
	require.True(t, w.view(t).Messages[1].Bot)

	_, err = room.Say.Call(t.Context(), lobby, "@noise say something")
	require.ErrorIs(t, err, troupe.ErrInternal)
	ctx, cancel := context.WithTimeout(t.Context(), botTimeout/4)
	defer cancel()
	_, err = room.Say.Call(ctx, lobby, "@mute say something")
	require.ErrorIs(t, err, context.DeadlineExceeded, "the bot has the time of the call")
	require.Len(t, w.texts(t), 2)
}

func TestRoomForgetsTheOldest(t *testing.T) {
	t.Parallel()
	w := start(t)
	for range keptMessages + 1 {
		_, err := room.Say.Call(t.Context(), w.lobby(w.Client), "again")
		require.NoError(t, err)
	}
	view := w.view(t)
	require.Len(t, view.Messages, keptMessages)
	require.Equal(t, keptMessages+1, view.Count)
	require.Equal(t, 2, view.Messages[0].Number)
}

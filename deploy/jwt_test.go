package deploy_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/deploy"
)

// realm is a server in operator mode, with what deploy/keys has made.
type realm struct {
	dir  string // of the keys
	keys string // the programs
	call string
}

func newRealm(t *testing.T) realm {
	t.Helper()
	bin := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", bin+string(filepath.Separator), "./keys", "./callout").CombinedOutput()
	require.NoError(t, err, "%s", out)
	r := realm{filepath.Join(t.TempDir(), "secrets"), filepath.Join(bin, "keys"), filepath.Join(bin, "callout")}
	code, printed := r.run(t, "init", r.dir)
	require.Zero(t, code, printed)
	return r
}

func (r realm) run(t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.keys, args...)
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// user makes a user, and returns the file with the credentials.
func (r realm) user(t *testing.T, role, tenant, name string) (creds string) {
	t.Helper()
	args := []string{"user", r.dir, role, name}
	if tenant != "" {
		args, name = append(args, "--tenant", tenant), tenant+"."+name
	}
	code, printed := r.run(t, args...)
	require.Zero(t, code, printed)
	return filepath.Join(r.dir, "creds", name+".creds")
}

func (r realm) options(t *testing.T) *server.Options {
	t.Helper()
	options, err := server.ProcessConfigFile(filepath.Join(r.dir, "nats.conf"))
	require.NoError(t, err)
	return options
}

// as are the options of a user, as TENANT.NAME or NAME.
func (r realm) as(user string) []nats.Option {
	inbox := user
	if !strings.Contains(user, ".") {
		inbox = deploy.Staff + "." + user
	}
	return []nats.Option{nats.UserCredentials(filepath.Join(r.dir, "creds", user+".creds")), nats.CustomInboxPrefix("_INBOX." + inbox)}
}

// TestRolesByJWT has users by JWT do what those of deploy/auth.conf may, over hours, and not more.
func TestRolesByJWT(t *testing.T) {
	r := newRealm(t)
	for _, tenant := range []string{"org1", "org2"} {
		r.user(t, "program", tenant, "shop")
	}
	inBubble(t, r.options(t), r.as, func(h *hall) {
		t := h.t
		inside := h.client("host")
		one, two := h.visitAs("org1.shop"), h.visitAs("org2.shop")
		for hour := range 2 {
			text := fmt.Sprint(hour)
			one.speak(t, text)
			two.speak(t, text)
			h.push(one, text)
			h.hostDoes(inside, text)
			require.Equal(t, hour+1, h.replayed(troupe.GetOrCreate[room](h.client("watcher"), "org2", "a")))
			pass(overTime)
		}
		require.NoError(t, one.connection.Close(t.Context()))
		require.NoError(t, two.connection.Close(t.Context()))
		h.nothingDenied()

		for name, key := range map[string][]string{"another tenant": {"org2", "shop"}, "a key of another shape": {"org1"}} {
			_, err := say.Call(t.Context(), troupe.GetOrCreate[room](one.client, key...), "x")
			require.ErrorIs(t, err, troupe.ErrDenied, name)
		}
		_, err := clearIt.Call(t.Context(), one.room, nil)
		require.ErrorIs(t, err, troupe.ErrDenied)
		for _, subject := range []string{"_INBOX.>", "_INBOX.org2.shop.>", "_INBOX.org1.>", "_INBOX.staff.host.>", "troupe.event.room.org2.>"} {
			nc := h.connect("org1.shop")
			_, err := nc.SubscribeSync(subject)
			require.NoError(t, err)
			require.NoError(t, nc.Flush())
			require.ErrorIs(t, nc.LastError(), nats.ErrPermissionViolation, subject)
		}
	})
}

// visitAs is visit for a user whose name begins with its tenant.
func (h *hall) visitAs(user string) *visitor {
	h.t.Helper()
	tenant, _, _ := strings.Cut(user, ".")
	return h.visitRoom(user, tenant, "lobby")
}

// TestKeysAreSafe: names that would mean something else in a permission are refused, and a signing key makes users of its role alone.
func TestKeysAreSafe(t *testing.T) {
	r := newRealm(t)
	for _, tenant := range []string{"Org1", "org.1", "*", ">", "org 1", "=2E", "a=2fb", "", "{{name()}}", "staff", "örg", "-x", "org1\n", strings.Repeat("o", 64)} {
		code, printed := r.run(t, "user", r.dir, "program", "ann", "--tenant="+tenant)
		require.Equal(t, 1, code, "%q: %s", tenant, printed)
		require.Error(t, deploy.CheckTenant(tenant))
	}
	for _, name := range []string{"a.b", "*", ">", "", "a b", "{{tag(tenant)}}", "../x", "=2E", "ann\n"} {
		code, printed := r.run(t, "user", r.dir, "program", "--tenant=org1", "--", name)
		require.Equal(t, 1, code, "%q: %s", name, printed)
		require.Error(t, deploy.CheckUser(name))
	}
	for _, args := range [][]string{
		{"user", r.dir, "king", "ann"}, {"user", r.dir, "host", "ann", "--tenant=org1"}, {"user", r.dir, "program", "ann"},
		{"user", r.dir, "host", "host"}, {"init", r.dir}, {"user", r.dir, "host", "h2", "--for=-1h"},
	} {
		code, printed := r.run(t, args...)
		require.Equal(t, 1, code, "%s: %s", args, printed)
	}
	require.NoError(t, filepath.Walk(r.dir, func(path string, info os.FileInfo, err error) error {
		require.Zero(t, info.Mode().Perm()&0o077, path)
		return err
	}))

	// Whoever has the signing key of pages asks it for more.
	g := guard(t, r.options(t))
	seed, err := os.ReadFile(filepath.Join(r.dir, "roles", "page.nk"))
	require.NoError(t, err)
	signer, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(seed))))
	require.NoError(t, err)
	account, err := os.ReadFile(filepath.Join(r.dir, "troupe.pub"))
	require.NoError(t, err)
	user, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := user.PublicKey()
	require.NoError(t, err)
	claims := jwt.NewUserClaims(public) // with all permissions
	claims.IssuerAccount = strings.TrimSpace(string(account))
	claims.Tags.Add("tenant:*")
	encoded, err := claims.Encode(signer)
	require.NoError(t, err)
	userSeed, err := user.Seed()
	require.NoError(t, err)
	_, err = nats.Connect(g.url, nats.UserJWTAndSeed(encoded, string(userSeed)))
	require.ErrorIs(t, err, nats.ErrAuthorization)
}

// TestCredentialsEnd lets credentials run out.
func TestCredentialsEnd(t *testing.T) {
	r := newRealm(t)
	code, printed := r.run(t, "user", r.dir, "watcher", "brief", "--for", "1s")
	require.Zero(t, code, printed)
	g := guard(t, r.options(t))
	require.Eventually(t, func() bool {
		nc, err := nats.Connect(g.url, r.as("brief")...)
		if err == nil {
			nc.Close()
		}
		return err != nil
	}, 30*time.Second, 20*time.Millisecond)
}

// sessionKey writes a key for the cookies of the callout.
func sessionKey(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "session.key")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("k", 32)), 0o600))
	return file
}

func (r realm) cookie(t *testing.T, key string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), r.call, append([]string{"session", "--key", key}, args...)...).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// answer runs the callout, whose JWTs are good for 2 s.
func (r realm) answer(t *testing.T, g guarded, key string) {
	t.Helper()
	service := exec.CommandContext(t.Context(), r.call, "serve", r.dir, "--key", key, "--valid", "2s")
	service.Env = append(os.Environ(), "NATS_URL="+g.url)
	service.Cancel = func() error { return service.Process.Signal(os.Interrupt) }
	told, err := service.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, service.Start())
	t.Cleanup(func() { _ = service.Process.Kill(); _ = service.Wait() })
	require.True(t, bufio.NewScanner(told).Scan(), "it says that it answers")
}

// host starts one with all rooms.
func (r realm) host(t *testing.T, g guarded) {
	t.Helper()
	nc, err := nats.Connect(g.url, append(r.as("host"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.SkipSubjectValidation())...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, furnished)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
}

// TestCallout has a browser come by its cookie, and stay although its JWT runs out again and again.
func TestCallout(t *testing.T) {
	r := newRealm(t)
	options := r.options(t)
	options.Websocket = server.WebsocketOpts{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoTLS: true, TokenCookie: "session", AllowedOrigins: []string{"http://shop.example"},
	}
	g := guard(t, options)
	key := sessionKey(t)
	cookie := func(args ...string) string { return r.cookie(t, key, args...) }
	come := func(cookie string, headers ...string) (*nats.Conn, error) {
		header := http.Header{"Cookie": {"session=" + cookie}}
		for i := 0; i < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return nats.Connect(g.server.WebsocketURL(), nats.WebSocketConnectionHeaders(header), nats.CustomInboxPrefix("_INBOX.org1.ann"),
			nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.IgnoreAuthErrorAbort(), nats.SkipSubjectValidation(),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), nats.ReconnectBufSize(-1))
	}
	ann := cookie("org1", "ann")
	if _, err := come(ann); err == nil {
		t.Fatal("nobody answers, and somebody comes in")
	}
	r.answer(t, g, key)
	nc, err := come(ann, "Origin", "http://shop.example")
	require.NoError(t, err)
	t.Cleanup(nc.Close)

	r.host(t, g)
	cl, err := client.New(nc, client.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
	changes := make(chan troupe.StatusChange, 1000)
	connection, err := enter.Connect(t.Context(), troupe.GetOrCreate[room](cl, "org1", "lobby"), nil,
		troupe.OnStatus(func(change troupe.StatusChange) { changes <- change }))
	require.NoError(t, err)
	for run := 0; run < 3; { // outs of its JWT
		if change := <-changes; change.Status == troupe.StatusConnected {
			run++
			_, err = say.Call(t.Context(), connection.Actor(), "here again")
			require.NoError(t, err)
		}
	}
	_, err = say.Call(t.Context(), troupe.GetOrCreate[room](cl, "org2", "lobby"), "x")
	require.ErrorIs(t, err, troupe.ErrDenied)
	require.NoError(t, connection.Close(t.Context()))

	over := cookie("org1", "ann", "--valid=-1s")
	for name, bad := range map[string]string{
		"none": "", "garbage": "x.y.z", "another tenant": strings.Replace(ann, "org1", "org2", 1), "over": over, "cut": ann[:len(ann)-1],
	} {
		_, err := come(bad)
		require.ErrorIs(t, err, nats.ErrAuthorization, name)
	}
	_, err = come(ann, "Origin", "http://elsewhere.example")
	require.Error(t, err, "a page from elsewhere, which has the cookie of the browser")
	_, err = nats.Connect(g.url, nats.Token(ann))
	require.ErrorIs(t, err, nats.ErrAuthorization, "not by a WebSocket")
}

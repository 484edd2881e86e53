package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// check runs a check, and returns its code and its line: all that it prints.
func (p program) check(t *testing.T, args ...string) (code state, line string) {
	t.Helper()
	got := p.run(t.Context(), append([]string{"check"}, args...)...)
	require.Empty(t, got.err)
	require.Equal(t, 1, strings.Count(got.out, "\n"), got.out)
	if !strings.Contains(strings.Join(args, " "), "--json") {
		require.True(t, strings.HasPrefix(got.out, "TROUPE "+state(got.code).String()+" - "), got.out)
		require.LessOrEqual(t, strings.Count(got.out, "|"), 1, got.out)
	}
	return state(got.code), strings.TrimSuffix(got.out, "\n")
}

// barrier is an actor that waits until the test opens it.
type barrier struct{ troupe.Ref }

func (barrier) ActorType() string { return "barrier" }

var pass = troupe.NewAction[barrier, troupe.None, troupe.None]("pass")

func TestCheckOfHosts(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	code, line := p.check(t)
	require.Equal(t, stateCritical, code)
	require.Equal(t, "TROUPE CRITICAL - 0 hosts up | hosts=0;1:;1: silent=0 awake=0 running=0s;60 dead=0;0 stuck=0;0 damaged=0;0;0", line)

	opened := make(chan struct{})
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, rooms(),
		actorhost.Define(func() struct{} { return struct{}{} },
			actorhost.On(pass, actorhost.NoInNoOut(func(*struct{}, *actorhost.Context) error { <-opened; return nil }))))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	open := sync.OnceFunc(func() { close(opened) })
	t.Cleanup(open)
	p.ok(t, "call", "room", "a", "add", "1")
	code, line = p.check(t)
	require.Equal(t, stateOK, code, line)
	require.Equal(t, "TROUPE OK - 1 hosts up; nothing has run for a second; 0 dead letters; 0 stuck"+
		" | hosts=1;1:;1: silent=0 awake=1 running=0s;60 dead=0;0 stuck=0;0 damaged=0;0;0", line)
	code, line = p.check(t, "--hosts", "3,1")
	require.Equal(t, stateWarning, code)
	require.Contains(t, line, "TROUPE WARNING - 1 hosts up | hosts=1;3:;1: ")
	code, line = p.check(t, "--hosts", "3,2", "--quick", "--json")
	require.Equal(t, stateCritical, code)
	require.JSONEq(t, `{"state":"critical","problems":["1 hosts up"],"figures":{"hosts":1,"silent":0,"awake":1,"running":0,"dead":0}}`, line)

	ended := make(chan result, 1)
	go func() {
		ended <- p.run(t.Context(), "call", "barrier", "b", "pass", "--request-id", "| |", "--timeout", "10m")
	}()
	require.Eventually(t, func() bool { code, line = p.check(t, "--running", "1ms,1h"); return code == stateWarning }, 30*time.Second, 10*time.Millisecond)
	require.Regexp(t, `^TROUPE WARNING - action pass of barrier/b for \S+, request / / \| hosts=1;1:;1: silent=0 awake=2 running=[0-9.]+s;0.001;3600 `, line)
	code, line = p.check(t, "--running", "1ms,1ms")
	require.Equal(t, stateCritical, code, line)
	open()
	require.Equal(t, exitOK, (<-ended).code)

	lease(t, server, store.HostEntry{ID: "frozen", Name: "sleepy", Types: []string{"room"}, Started: time.Now()})
	code, line = p.check(t)
	require.Equal(t, stateWarning, code)
	require.Contains(t, line, "TROUPE WARNING - 1 hosts have a lease and do not reply | hosts=1;1:;1: silent=1 ")
}

func TestCheckOfWhatIsStored(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, desks())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	p, nc := at(server.URL()), connect(t, server)
	p.ok(t, "queue", "push", "desk", "a", "file", `{"from":"nobody","text":"1"}`)
	var code state
	var line string
	require.Eventually(t, func() bool { code, line = p.check(t); return code == stateWarning }, 30*time.Second, 10*time.Millisecond)
	require.Contains(t, line, "TROUPE WARNING - 1 dead letters | ")
	require.Contains(t, line, " dead=1;0 ")
	code, line = p.check(t, "--dead", "1,9")
	require.Equal(t, stateOK, code, line)

	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	i := ill{t: t}
	i.records, err = store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	i.put("undo", record.EditWorkflow{Edit: func(w *record.Workflow) {
		w.Begin(record.WorkflowHead{Name: "place", Run: "r", Began: 1})
		w.Wait(record.WorkflowWait{Key: "release", Kind: record.WaitRetry, Since: 2, Due: 1 << 41, Attempts: 20,
			Error: &record.WorkflowError{Code: troupe.CodeInternal, Message: "locked"}})
	}})
	code, line = p.check(t, "--dead", "1")
	require.Equal(t, stateWarning, code)
	require.Contains(t, line, "TROUPE WARNING - 1 stuck | ")
	overwrite(t, nc, "room.damaged", []byte("junk"))
	code, line = p.check(t, "--dead", "1", "--stuck", "1")
	require.Equal(t, stateCritical, code)
	require.Contains(t, line, "TROUPE CRITICAL - 1 records cannot be decoded | ")
	code, line = p.check(t, "--dead", "1", "--quick")
	require.Equal(t, stateOK, code, line)

	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "KV_troupe-actors")
	require.NoError(t, err)
	config := stream.CachedInfo().Config
	config.MaxAge = time.Hour
	_, err = js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	code, line = p.check(t, "--dead", "1", "--quick")
	require.Equal(t, stateCritical, code)
	require.Regexp(t, `^TROUPE CRITICAL - the bucket troupe-actors .* max_age is 1h0m0s`, line)
}

// TestCheckOfServers checks where there is nothing to check.
func TestCheckOfServers(t *testing.T) {
	t.Parallel()
	code, line := at("nats://127.0.0.1:1").check(t)
	require.Equal(t, stateCritical, code)
	require.Contains(t, line, "TROUPE CRITICAL - no_server: ")
	code, line = at(bustest.Serve(t, new(server.Options)).ClientURL()).check(t)
	require.Equal(t, stateCritical, code)
	require.Contains(t, line, "TROUPE CRITICAL - no_jetstream: ")

	mayNot := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"troupe.host.>"}}}
	srv := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Users: []*server.User{
		{Username: "host", Password: "p"}, {Username: "guest", Password: "p", Permissions: mayNot},
	}})
	nc, err := nats.Connect(srv.ClientURL(), nats.UserInfo("host", "p"))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, rooms())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	p := at(srv.ClientURL())
	code, line = p.check(t, "--user", "guest", "--password", "p")
	require.Equal(t, stateUnknown, code)
	require.Regexp(t, `^TROUPE UNKNOWN - denied: .*troupe\.host\..* \| hosts=1;1:;1: dead=0;0 stuck=0;0 damaged=0;0;0$`, line)
	code, line = p.check(t, "--user", "guest", "--password", "p", "--hosts", "2,1")
	require.Equal(t, stateWarning, code, "that is known")
	require.Contains(t, line, "TROUPE WARNING - 1 hosts up; denied: ")
	code, line = p.check(t, "--user", "guest", "--password", "guess")
	require.Equal(t, stateUnknown, code)
	require.Contains(t, line, "TROUPE UNKNOWN - denied: ")
}

// TestCheckIsUsedWrongly must not look like a warning, or like a failure of what is checked.
func TestCheckIsUsedWrongly(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"--hosts many", "--hosts 1,2,3", "--running 1", "--what", "what", "--context no-such-context-of-troupe", "--ready 127.0.0.1:80", "--ready ftp://a/b",
	} {
		code, line := at("").check(t, strings.Fields(args)...)
		require.Equal(t, stateUnknown, code, args)
		require.Contains(t, line, "TROUPE UNKNOWN - usage: ", args)
		code, line = at("").check(t, append(strings.Fields(args), "--json")...)
		require.Equal(t, stateUnknown, code, args)
		require.Contains(t, line, `{"state":"unknown","problems":["usage: `, args)
	}
	require.Equal(t, exitUsage, at("").run(t.Context(), "call", "check", "--what").code, "of another verb")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, int(stateUnknown), at("nats://127.0.0.1:1").run(ctx, "check").code, "interrupted")
}

func TestCheckReady(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	address := fmt.Sprint("127.0.0.1:", bustest.FreePort(t))
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Probes: address, Logger: slog.New(slog.DiscardHandler)}, rooms())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(t.Context()) }) // its lease cannot be given back
	code, line := at("").check(t, "--ready", "http://"+address+"/readyz")
	require.Equal(t, "TROUPE OK - ready", line)
	require.Equal(t, stateOK, code)
	server.Shutdown()
	require.Eventually(t, func() bool {
		code, line = at("").check(t, "--ready", "http://"+address+"/readyz")
		return code != stateOK
	}, 10*time.Second, 5*time.Millisecond)
	require.Contains(t, line, "TROUPE WARNING - not ready: 503 Service Unavailable: actorhost: disconnected from NATS")
	require.Equal(t, state(1), code, "what Docker wants")
	code, line = at("").check(t, "--ready", fmt.Sprint("http://127.0.0.1:", bustest.FreePort(t), "/readyz"))
	require.Equal(t, state(1), code)
	require.Contains(t, line, "TROUPE WARNING - not ready: ")
}

// TestUpIsProbed asks a server while it is up, and after that.
func TestUpIsProbed(t *testing.T) {
	t.Parallel()
	address := fmt.Sprint("127.0.0.1:", bustest.FreePort(t))
	_, interrupt := up(t, "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--probes", address, "--json")
	for _, path := range []string{"/livez", "/readyz"} {
		code, line := at("").check(t, "--ready", "http://"+address+path)
		require.Equal(t, stateOK, code, line)
	}
	require.Zero(t, interrupt())
	code, line := at("").check(t, "--ready", "http://"+address+"/livez")
	require.Equal(t, stateWarning, code, line)
}

package stagetest

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // a server with users, for tests of ours

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest" //nolint:depguard // the same
)

// Password is that of every user of the server that [Tenant] starts.
const Password = "secret"

// lounge is the room of deploy/auth.conf.
type lounge struct{ troupe.Ref }

func (lounge) ActorType() string { return "room" }

var (
	say     = troupe.NewAction[lounge, string, int]("say")
	history = troupe.NewAction[lounge, troupe.None, []string]("history")
	said    = troupe.NewEvent[lounge, string]("said")
	minute  = troupe.NewQueueInOrder[lounge, string]("minute")
	readOut = troupe.NewStream[lounge, int, int]("readOut")
)

var lounges = actorhost.Define(func() []string { return nil },
	actorhost.On(say, func(texts *[]string, c *actorhost.Context, text string) (int, error) {
		*texts = append(*texts, text)
		return len(*texts), said.Broadcast(c, text)
	}),
	actorhost.On(history, actorhost.NoIn(func(texts *[]string, _ *actorhost.Context) ([]string, error) { return *texts, nil })),
	actorhost.OnStream(readOut, func(_ *actorhost.Stream[[]string], lines int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := 0; i < lines && yield(i, nil); i++ {
				continue
			}
		}
	}),
	actorhost.OnQueue(minute, func(texts *[]string, c *actorhost.Context, text string) error {
		if queued, _ := troupe.QueuedOf(c); strings.HasSuffix(text, "again") && queued.Attempt < 2 {
			return errors.New("not yet")
		}
		*texts = append(*texts, text)
		return said.Broadcast(c, text)
	}, actorhost.Retries{First: 10 * time.Millisecond}))

// setPasswords sets the passwords of deploy/auth.conf, for the whole process: its file reads them from the environment.
var setPasswords = sync.OnceFunc(func() {
	for _, user := range []string{"HOST", "CLIENT", "PAGE", "WATCHER", "OPERATOR"} {
		_ = os.Setenv("TROUPE_"+user+"_PASSWORD", Password) // the name is valid
	}
})

// Tenant starts a server with the users of deploy/auth.conf, and the host of the rooms that they speak of. Pages come by a
// WebSocket from the given origins.
func Tenant(t *testing.T, conf string, origins ...string) *server.Server {
	t.Helper()
	return TenantAs(t, conf, bus.Config{User: "host", Password: Password, InboxPrefix: "_INBOX.host"}, origins...)
}

// TenantAs is Tenant for a server with other users, of whom one is the host.
func TenantAs(t *testing.T, conf string, as bus.Config, origins ...string) *server.Server {
	t.Helper()
	setPasswords()
	options, err := server.ProcessConfigFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	options.JetStream, options.StoreDir, options.NoLog = true, t.TempDir(), true
	options.Websocket = server.WebsocketOpts{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoTLS: true, AllowedOrigins: origins, TokenCookie: "session",
	}
	srv := bustest.Serve(t, options)
	as.URL, as.Logger = srv.ClientURL(), slog.New(slog.DiscardHandler)
	nc, err := bus.Connect(t.Context(), as)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, lounges)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return srv
}

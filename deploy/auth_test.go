package deploy_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// never is a time-out by which a test that waits for it would fail.
const never = 5 * time.Minute

// guarded is a server that runs deploy/auth.conf.
type guarded struct {
	url    string
	server *server.Server
	stop   func()
}

const password = "secret"

// users reads deploy/auth.conf.
func users(t *testing.T) *server.Options {
	t.Helper()
	for _, user := range []string{"HOST", "CLIENT", "PAGE", "WATCHER", "OPERATOR"} {
		t.Setenv("TROUPE_"+user+"_PASSWORD", password)
	}
	options, err := server.ProcessConfigFile("auth.conf")
	require.NoError(t, err)
	return options
}

func guard(t *testing.T, options *server.Options) guarded {
	t.Helper()
	options.Host, options.Port, options.NoSigs, options.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	options.JetStream = true
	if options.StoreDir == "" {
		options.StoreDir = t.TempDir()
	}
	srv, err := server.NewServer(options)
	require.NoError(t, err)
	srv.Start()
	g := guarded{server: srv, stop: func() { srv.Shutdown(); srv.WaitForShutdown() }}
	t.Cleanup(g.stop)
	require.True(t, srv.ReadyForConnections(10*time.Second))
	g.url = srv.ClientURL()
	return g
}

func (g guarded) connect(t *testing.T, user string) *nats.Conn {
	t.Helper()
	nc, err := bus.Connect(t.Context(), bus.Config{
		URL: g.url, User: user, Password: password, InboxPrefix: "_INBOX." + user, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

func (g guarded) start(t *testing.T) (*actorhost.Host, error) {
	t.Helper()
	nc := g.connect(t, "host")
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, rooms)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	}
	return host, err
}

func (g guarded) client(t *testing.T, user string) *client.Client {
	t.Helper()
	cl, err := client.New(g.connect(t, user), client.Config{Timeout: never})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
	return cl
}

// request sends a message whose answer nobody wants.
func (g guarded) request(t *testing.T, user, subject string) error {
	t.Helper()
	r, err := rpc.NewRequester(g.connect(t, user))
	require.NoError(t, err)
	_, err = r.Do(t.Context(), &wire.Message{Subject: subject}, never)
	require.NoError(t, r.Close())
	return err
}

func (g guarded) subscribe(t *testing.T, user, subject, queue string) error {
	t.Helper()
	nc := g.connect(t, user)
	guard := link.GuardSubscription(t.Context(), nc, subject)
	defer guard.End()
	_, err := nc.QueueSubscribe(subject, queue, func(*nats.Msg) {})
	require.NoError(t, err)
	return guard.Flush(never)
}

// The tests of the file are not parallel: it reads passwords from the environment.

func TestAuthConf(t *testing.T) {
	options := users(t)
	userOf(options, "page").AllowedConnectionTypes = nil // it comes by TCP here
	g := guard(t, options)
	host, err := g.start(t)
	require.NoError(t, err)
	inside, err := client.New(g.connect(t, "host"), client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inside.Close(context.Background())) })

	t.Run("a host may do all of it", func(t *testing.T) {
		a, b := troupe.GetOrCreate[room](inside, "org2", "a"), troupe.GetOrCreate[room](inside, "org2", "b")
		_, err := say.Call(t.Context(), a, "hello")
		require.NoError(t, err)
		_, err = repeat.Call(t.Context(), a, []string{"org2", "b"})
		require.NoError(t, err)
		_, err = follow.Call(t.Context(), a, []string{"org2", "b"})
		require.NoError(t, err)
		got, err := history.Call(t.Context(), b, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"hello"}, got)
		_, err = clearIt.Call(t.Context(), b, nil)
		require.NoError(t, err)
		_, err = attend.Call(t.Context(), b, []string{"org2", "a"})
		require.NoError(t, err)
		_, err = note.Call(t.Context(), a, "milk")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			got, err := history.Call(t.Context(), b, nil)
			require.NoError(t, err)
			return slices.Equal(got, []string{"noted: milk"})
		}, 10*time.Second, time.Millisecond)
		require.NoError(t, g.archive(t, never))
		require.NoError(t, g.wakes(t, "c"))
	})

	t.Run("a client may call some actions and hear its events", func(t *testing.T) {
		cl := g.client(t, "org1")
		lobby := troupe.GetOrCreate[room](cl, "org1", "lobby")
		heard := make(chan string, 2)
		_, err := said.Subscribe(t.Context(), lobby, func(_ context.Context, text string) error { heard <- text; return nil })
		require.NoError(t, err)
		for i, text := range []string{"by the route", "directly"} {
			count, err := say.Call(t.Context(), lobby, text)
			require.NoError(t, err)
			require.Equal(t, i+1, count)
			require.Equal(t, text, <-heard)
		}
		got, err := history.Call(t.Context(), lobby, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"by the route", "directly"}, got)
		requireReadOut(t, lobby, 9000) // more lines than may be on their way
		require.NoError(t, g.subscribe(t, "org1", "troupe.event.room.org1.*.said", ""))
		connection, err := enter.Connect(t.Context(), lobby, nil)
		require.NoError(t, err)
		require.NoError(t, connection.Close(t.Context()))
	})

	t.Run("a client's calls are denied at once", func(t *testing.T) {
		cl := g.client(t, "org1")
		for name, call := range map[string]func(ctx context.Context) error{
			"another action": func(ctx context.Context) error {
				_, err := clearIt.Call(ctx, troupe.GetOrCreate[room](cl, "org1", "lobby"), nil)
				return err
			},
			"another tenant": func(ctx context.Context) error {
				_, err := history.Call(ctx, troupe.GetOrCreate[room](cl, "org2", "a"), nil)
				return err
			},
			"a key of another shape": func(ctx context.Context) error {
				_, err := say.Call(ctx, troupe.GetOrCreate[room](cl, "org1"), "x")
				return err
			},
			"another type": func(ctx context.Context) error { return cl.Actor("till", "org1", "a").Call(ctx, "say", "x", nil) },
			"_create": func(ctx context.Context) error {
				return cl.Invoke(ctx, troupe.Invocation{ID: newID(t, "room", "org1", "a"), Action: troupe.CreateAction})
			},
			"_sleep": func(ctx context.Context) error {
				return cl.Invoke(ctx, troupe.Invocation{ID: newID(t, "room", "org1", "lobby"), Action: troupe.SleepAction})
			},
			"another tenant's events": func(ctx context.Context) error {
				_, err := said.Subscribe(ctx, troupe.GetOrCreate[room](cl, "org2", "a"), func(context.Context, string) error { return nil })
				return err
			},
		} {
			err := call(t.Context())
			require.ErrorIs(t, err, troupe.ErrDenied, name)
			require.ErrorContains(t, err, "NATS does not allow this user to", name)
		}
	})

	t.Run("each of many subscriptions to one subject is denied", func(t *testing.T) {
		cl := g.client(t, "org1")
		denied := make(chan error)
		const many = 20
		for range many {
			go func() {
				_, err := said.Subscribe(t.Context(), troupe.GetOrCreate[room](cl, "org2", "a"), func(context.Context, string) error { return nil })
				denied <- err
			}()
		}
		for range many {
			require.ErrorIs(t, <-denied, troupe.ErrDenied)
		}
	})

	id := host.ID()
	for user, subjects := range map[string][]string{
		"org1": {
			"troupe.host." + id + ".info", "troupe.host." + id + ".drain", "troupe.host." + id + ".call.room.org2.a.clear", "troupe.event.room.org1.lobby.said",
			"_INBOX.host.x", "_INBOX.org1.x", "$SRV.PING", "$KV.troupe-actors.room.org1.lobby", "$KV.troupe-hosts." + id,
			"$JS.API.INFO", "$JS.API.DIRECT.GET.KV_troupe-actors.$KV.troupe-actors.room.org1.lobby",
			"$JS.API.STREAM.DELETE.KV_troupe-actors", "$JS.API.CONSUMER.CREATE.KV_troupe-actors.x",
			"troupe.alarm.room.org1.lobby", "troupe.due.room.org1.lobby", "$JS.API.STREAM.INFO.troupe-due",
			"$JS.API.DIRECT.GET.troupe-due", "$JS.API.DIRECT.GET.troupe-due.troupe.alarm.room.org1.lobby", "$JS.API.STREAM.MSG.GET.troupe-due",
			"$JS.API.CONSUMER.CREATE.troupe-due.due-room", "$JS.API.CONSUMER.MSG.NEXT.troupe-due.due-room",
			"$JS.API.STREAM.PURGE.troupe-due", "$JS.API.STREAM.MSG.DELETE.troupe-due", "$JS.ACK.troupe-due.due-room.1.1.1.1.1",
			"troupe.route.room.org1.lobby._due",
		},
		"watcher": {
			"troupe.alarm.room.org1.lobby", "troupe.due.room.org1.lobby", "$JS.API.CONSUMER.CREATE.troupe-due.x",
			"troupe.queue.room.org1.lobby.post", "$JS.API.CONSUMER.CREATE.troupe-events.x", "$JS.API.STREAM.UPDATE.KV_troupe-actors",
			"troupe.call.room.org1.lobby.history", "troupe.route.room.org1.lobby.history", "troupe.host." + id + ".ping",
			"troupe.event.room.org1.lobby.said", "_INBOX.org1.x", "$KV.troupe-actors.room.org1.lobby", "$KV.troupe-hosts." + id,
			"$JS.API.STREAM.DELETE.KV_troupe-actors", "$JS.API.STREAM.PURGE.KV_troupe-actors", "$JS.API.CONSUMER.CREATE.KV_troupe-actors.x",
		},
		"page": {
			"troupe.queue.room.org1.lobby.post", "troupe.route.room.org1.lobby.invite", "troupe.route.room.org1.lobby.clear",
			"troupe.route.room.org2.a.say", "troupe.host." + id + ".ping", "troupe.event.room.org1.lobby.said", "_INBOX.page.x", "$SRV.PING",
			"$KV.troupe-actors.room.org1.lobby", "$JS.API.INFO", "$JS.API.DIRECT.GET.troupe-events",
		},
		"operator": {
			"troupe.event.room.org1.lobby.said", "troupe.due.room.org1.lobby", "troupe.later.room.org1.lobby.post.x",
			"troupe.ripe.room.org1.lobby.post.x", "troupe.dead.room.org1.lobby.post.x", "troupe.log.room.org1.lobby.noted", "troupe.answers.x",
			"troupe.host." + id + ".call.room.org2.a.clear", "_INBOX.org1.x", "$KV.other.x", "$SYS.REQ.SERVER.PING", "$JS.API.INFO",
			"$JS.API.STREAM.DELETE.KV_troupe-actors", "$JS.API.STREAM.PURGE.KV_troupe-actors", "$JS.API.STREAM.MSG.DELETE.troupe-dead",
			"$JS.API.CONSUMER.CREATE.KV_troupe-actors.x", "$JS.API.CONSUMER.CREATE.troupe-due.x", "$JS.API.CONSUMER.DURABLE.CREATE.troupe-events.x",
		},
		"host": {"elsewhere", "$JS.API.STREAM.DELETE.KV_troupe-actors", "$SYS.REQ.SERVER.PING", "$KV.other.x"},
	} {
		for _, subject := range subjects {
			require.ErrorIs(t, g.request(t, user, subject), troupe.ErrDenied, "%s publishes to %s", user, subject)
		}
	}
	for user, subjects := range map[string][]string{
		"org1": {
			"troupe.>", "troupe.event.>", "troupe.event.room.*.lobby.said", "troupe.event.room.org2.>", "troupe.call.room.org1.lobby.*",
			"troupe.route.room.>", "troupe.host.>", "_INBOX.>", "_INBOX.host.>", "_INBOX.watcher.>", "$SRV.>", "$KV.>", "$JS.>",
			"troupe.alarm.>", "troupe.due.>",
		},
		"page":     {"troupe.event.room.org1.>", "troupe.event.room.org2.*.said", "_INBOX.>", "_INBOX.org1.>", "troupe.replaced.actors"},
		"operator": {"troupe.>", "troupe.call.>", "troupe.route.>", "troupe.host.>", "_INBOX.>", "_INBOX.org1.>", "$KV.>", "$JS.>"},
		"watcher":  {"troupe.>", "troupe.call.>", "troupe.route.>", "troupe.host.>", "_INBOX.>", "_INBOX.org1.>", "$SRV.PING", "$KV.>"},
		"host":     {"troupe.>", "troupe.route.room.>", "_INBOX.>", "_INBOX.org1.>", "$KV.>", "elsewhere"},
	} {
		for _, subject := range subjects {
			require.ErrorIs(t, g.subscribe(t, user, subject, ""), troupe.ErrDenied, "%s subscribes to %s", user, subject)
		}
	}
	require.ErrorIs(t, g.subscribe(t, "org1", "troupe.route.room.>", wire.QueueGroup), troupe.ErrDenied)

	t.Run("a watcher may look", func(t *testing.T) {
		require.NoError(t, g.subscribe(t, "watcher", "troupe.event.>", ""))
		ns, err := wire.NewNamespace("")
		require.NoError(t, err)
		records, err := store.OpenRecords(t.Context(), g.connect(t, "watcher"), ns, store.Settings{})
		require.NoError(t, err)
		record, err := records.Get(t.Context(), newID(t, "room", "org1", "lobby"))
		require.NoError(t, err)
		require.Equal(t, host.ID(), record.Owner)
		watching := troupe.GetOrCreate[room](g.client(t, "watcher"), "org2", "a")
		var kept []string
		for one, err := range noted.Replay(t.Context(), watching, troupe.ReplayStart{}) {
			require.NoError(t, err)
			kept = append(kept, one.Payload)
		}
		require.Equal(t, []string{"milk"}, kept)
	})
}

func newID(t *testing.T, actorType string, key ...string) troupe.ID {
	t.Helper()
	id, err := troupe.NewID(actorType, key...)
	require.NoError(t, err)
	return id
}

func userOf(options *server.Options, name string) *server.User {
	return options.Users[slices.IndexFunc(options.Users, func(u *server.User) bool { return u.Username == name })]
}

func hostOf(options *server.Options) *server.Permissions { return userOf(options, "host").Permissions }

// Without any one of its permissions a host fails to start, at once, and says which one; but for those that it can do
// without, and those for the archive, which a host has only when calls have ids.
func TestHostNeedsItsPermissions(t *testing.T) {
	all := hostOf(users(t))
	for kind, rules := range map[string][]string{"publish": all.Publish.Allow, "subscribe": all.Subscribe.Allow} {
		for i, rule := range rules {
			t.Run(kind+" to "+rule, func(t *testing.T) {
				options := users(t)
				permissions := hostOf(options).Publish
				if kind == "subscribe" {
					permissions = hostOf(options).Subscribe
				}
				permissions.Allow = slices.Delete(permissions.Allow, i, i+1)
				g := guard(t, options)
				_, err := g.start(t)
				switch {
				case rule == "$SRV.>", strings.Contains(rule, ".LEADER.STEPDOWN."), strings.Contains(rule, ".STREAM.PURGE."),
					strings.HasPrefix(rule, "$JS.EVENT."), rule == "troupe.replaced.actors":
					require.NoError(t, err)
					return
				case counting(rule), queueing(rule), scheduling(rule): // see TestStoredNeedsItsPermissions, and those like it
					require.NoError(t, err)
					return
				case strings.HasSuffix(rule, ".troupe-answers"):
					require.NoError(t, err)
					require.Error(t, g.archive(t, time.Second))
					return
				case strings.HasPrefix(rule, "$JS.ACK."): // what is not acknowledged comes again
					require.NoError(t, err)
					return
				case strings.HasPrefix(rule, "$JS.API.CONSUMER.MSG.NEXT.") && err == nil: // it had started before it was told
					return
				}
				if kind == "subscribe" && rule == "troupe.event.>" { // only an actor that listens needs it
					require.NoError(t, err)
					cl, clientErr := client.New(g.connect(t, "host"), client.Config{Timeout: never})
					require.NoError(t, clientErr)
					defer func() { require.NoError(t, cl.Close(context.Background())) }()
					_, err = follow.Call(t.Context(), troupe.GetOrCreate[room](cl, "org1", "a"), []string{"org1", "b"})
				}
				require.ErrorIs(t, err, troupe.ErrDenied)
				subject, _, _ := strings.Cut(rule, " ")
				require.ErrorContains(t, err, `NATS does not allow this user to `+kind+` to "`+strings.TrimSuffix(subject, ">"))
			})
		}
	}
}

// A host that may not hear of it asks whether its streams are there, every five seconds.
func TestHostThatMayNotHearAdvisories(t *testing.T) {
	options := users(t)
	permissions := hostOf(options).Subscribe
	permissions.Allow = slices.DeleteFunc(permissions.Allow, func(rule string) bool { return strings.HasPrefix(rule, "$JS.EVENT.") })
	options.Users = append(options.Users, &server.User{Username: "admin", Password: password})
	g := guard(t, options)
	_, err := g.start(t)
	require.NoError(t, err)
	js, err := jetstream.New(g.connect(t, "admin"))
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-journal"))
	began := time.Now()
	require.Eventually(t, func() bool {
		_, err := js.Stream(t.Context(), "troupe-journal")
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
	t.Logf("made again after %v", time.Since(began))
}

func TestBucketsAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	for _, first := range []bool{true, false} {
		options := users(t)
		options.StoreDir = dir
		publish := hostOf(options).Publish
		if !first {
			publish.Allow = slices.DeleteFunc(publish.Allow, func(rule string) bool {
				return strings.HasPrefix(rule, "$JS.API.STREAM.CREATE.")
			})
		}
		g := guard(t, options)
		host, err := g.start(t)
		require.NoError(t, err)
		require.NoError(t, host.Stop(t.Context()))
		g.stop()
	}
}

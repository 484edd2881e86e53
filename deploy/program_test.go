package deploy_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// programDeeds are what programs of a tenant do with a room, by the last token of the rules that they need.
var programDeeds = map[string]func(ctx context.Context, r room) error{
	"say":       func(ctx context.Context, r room) error { _, err := say.Call(ctx, r, "hello"); return err },
	"history":   func(ctx context.Context, r room) error { _, err := history.Call(ctx, r, nil); return err },
	"post":      func(ctx context.Context, r room) error { return post.Push(ctx, r, "hello") },
	"minute":    func(ctx context.Context, r room) error { return minute.Push(ctx, r, "hello") },
	"invite":    func(ctx context.Context, r room) error { return invite.Start(ctx, r, "ann") },
	"accepted":  func(ctx context.Context, r room) error { return accepted.Send(ctx, r, true) },
	"_result":   func(ctx context.Context, r room) error { _, err := invite.Result(ctx, r); return err },
	"_workflow": func(ctx context.Context, r room) error { _, err := invite.Show(ctx, r); return err },
	"readOut":   readAll, ">": readAll, // the second is what it says it has read
	"_connect": func(ctx context.Context, r room) error {
		connection, err := enter.Connect(ctx, r, nil)
		if err == nil {
			err = connection.Close(ctx)
		}
		return err
	},
}

func readAll(ctx context.Context, r room) error {
	for _, err := range readOut.Call(ctx, r, 9000) { // more than may be on their way
		if err != nil {
			return err
		}
	}
	return nil
}

// quiet are the rules without which a program has something later, or not at all, and is not told.
func quiet(rule string) bool {
	for _, suffix := range []string{"._cancel", ".ping", "._disconnect", "._position"} {
		if strings.HasSuffix(rule, suffix) {
			return true
		}
	}
	return false
}

// TestProgramsNeedTheirPermissions has the programs of a tenant do something without each rule that it needs, with a room that
// is awake and with one that is not. They are told at once.
func TestProgramsNeedTheirPermissions(t *testing.T) {
	options := users(t)
	without := map[string]map[string]string{"org1": lesser(options, "org1"), "page": lesser(options, "page")}
	for _, user := range options.Users {
		user.AllowedConnectionTypes = nil // the page comes by TCP here
	}
	g := guard(t, options)
	host, err := actorhost.Start(t.Context(), g.connect(t, "host"), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, furnished)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	awake := troupe.GetOrCreate[room](g.client(t, "host"), "org1", "awake")
	_, err = say.Call(t.Context(), awake, "hello")
	require.NoError(t, err)
	for user, rules := range without {
		for rule, name := range rules {
			deed := programDeeds[rule[strings.LastIndexByte(rule, '.')+1:]]
			if deed == nil {
				require.True(t, quiet(rule), "%s: what is %s for?", user, rule)
				continue
			}
			key := "awake"
			if strings.HasPrefix(rule, "troupe.route.") {
				key = "asleep"
			}
			nc, err := bus.Connect(t.Context(), bus.Config{
				URL: g.url, User: name, Password: password, InboxPrefix: "_INBOX." + user, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			cl, err := client.New(nc, client.Config{Timeout: never, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			require.ErrorIs(t, deed(t.Context(), troupe.GetOrCreate[room](cl, "org1", key)), troupe.ErrDenied, "%s without %s", user, rule)
			require.NoError(t, cl.Close(t.Context()))
			nc.Close()
		}
	}
}

// TestPageComesByWebSocketAlone tries its password elsewhere.
func TestPageComesByWebSocketAlone(t *testing.T) {
	options := users(t)
	options.Websocket = server.WebsocketOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoTLS: true}
	g := guard(t, options)
	_, err := bus.Connect(t.Context(), bus.Config{URL: g.url, User: "page", Password: password})
	require.ErrorContains(t, err, "Authorization Violation")
	nc, err := bus.Connect(t.Context(), bus.Config{URL: g.server.WebsocketURL(), User: "page", Password: password})
	require.NoError(t, err)
	nc.Close()
}

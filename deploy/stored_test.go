package deploy_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// counting are the rules of deploy/auth.conf that only a limit of what tenants store needs.
func counting(rule string) bool { return strings.HasSuffix(rule, ".KV_troupe-actors.sizes") }

// counts starts a host that counts what is stored, when something is. It returns when the host has, or what has said why not.
func (g guarded) counts(t *testing.T) (said string) {
	t.Helper()
	start := func(config actorhost.Config) error {
		host, err := actorhost.Start(t.Context(), g.connect(t, "host"), config, rooms)
		if err == nil {
			t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
		}
		return err
	}
	err := start(actorhost.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	cl, err := client.New(g.connect(t, "org1"), client.Config{Timeout: never})
	require.NoError(t, err)
	defer func() { require.NoError(t, cl.Close(context.Background())) }()
	_, err = say.Call(t.Context(), troupe.GetOrCreate[room](cl, "org1", "lobby"), "hello")
	require.NoError(t, err)
	var logged bustest.Log
	err = start(actorhost.Config{Logger: slog.New(slog.NewTextHandler(&logged, nil)), Tenants: actorhost.Tenants{Stored: 1 << 30}})
	if err != nil {
		return err.Error()
	}
	nc := g.connect(t, "host")
	require.Eventually(t, func() bool {
		msg, err := nc.Request("$JS.API.DIRECT.GET.KV_troupe-subscriptions",
			[]byte(`{"last_by_subj":"$KV.troupe-subscriptions._stored"}`), never)
		return err == nil && len(msg.Data) > 0 || logged.Contains("counting what tenants store failed")
	}, 30*time.Second, 50*time.Millisecond)
	return logged.String()
}

func TestStoredWithPermissions(t *testing.T) {
	g := guard(t, users(t))
	require.NotContains(t, g.counts(t), "NATS does not allow")
}

// Without any one of them, the host says what is denied.
func TestStoredNeedsItsPermissions(t *testing.T) {
	for i, rule := range hostOf(users(t)).Publish.Allow {
		if !counting(rule) {
			continue
		}
		t.Run(rule, func(t *testing.T) {
			options := users(t)
			publish := hostOf(options).Publish
			publish.Allow = append(publish.Allow[:i:i], publish.Allow[i+1:]...)
			require.Contains(t, guard(t, options).counts(t), rule)
		})
	}
}

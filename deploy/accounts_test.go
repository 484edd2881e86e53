package deploy_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// twoAccounts is the server of docs/security.md whose actors are called from another account.
const twoAccounts = `
accounts {
  ACTORS {
    jetstream: enabled
    users: [ { user: host, password: secret } ]
    exports: [
      { service: "troupe.call.>" }, { service: "troupe.route.>" }, { service: "troupe.host.*.ping" }, { stream: "troupe.event.>" }
    ]
  }
  SHOP {
    users: [ { user: shop, password: secret } ]
    imports: [
      { service: { account: ACTORS, subject: "troupe.call.>" } }, { service: { account: ACTORS, subject: "troupe.route.>" } }
      { service: { account: ACTORS, subject: "troupe.host.*.ping" } }, { stream: { account: ACTORS, subject: "troupe.event.>" } }
    ]
  }
}
`

// acrossAccounts runs a test with a host that has the permissions of deploy/auth.conf, and those that docs/security.md adds.
func acrossAccounts(t *testing.T, test func(h *hall)) {
	t.Helper()
	host := *hostOf(users(t))
	host.Publish.Allow = append(host.Publish.Allow, "_R_.>")
	file := filepath.Join(t.TempDir(), "nats.conf")
	require.NoError(t, os.WriteFile(file, []byte(twoAccounts), 0o600))
	options, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	userOf(options, "host").Permissions = &host
	inBubble(t, options, func(user string) []nats.Option {
		return []nats.Option{nats.UserInfo(user, password), nats.CustomInboxPrefix("_INBOX." + user)}
	}, test)
}

// TestAcrossAccounts calls and listens from another account for hours. Who connects is told at once that this cannot be: before,
// such a connection heard nothing, and was lost every 15 s.
func TestAcrossAccounts(t *testing.T) {
	acrossAccounts(t, func(h *hall) {
		t := h.t
		cl := h.client("shop")
		lobby := troupe.GetOrCreate[room](cl, "org1", "lobby")
		heard := make(chan string, 1)
		_, err := said.Subscribe(t.Context(), lobby, func(_ context.Context, text string) error { heard <- text; return nil })
		require.NoError(t, err)
		for n := range 3 {
			count, err := say.Call(t.Context(), lobby, "hello")
			require.NoError(t, err)
			require.Equal(t, n+1, count)
			require.Equal(t, "hello", <-heard)
			_, err = ponder.Call(t.Context(), lobby, 20*time.Second) // answered late, by the reply subject of servers
			require.NoError(t, err)
			pass(overTime)
		}
		began := time.Now()
		_, err = enter.Connect(t.Context(), lobby, nil)
		require.ErrorIs(t, err, troupe.ErrBadInput)
		require.ErrorContains(t, err, "connections do not cross accounts")
		require.Zero(t, time.Since(began))
	})
}

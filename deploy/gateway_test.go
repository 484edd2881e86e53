package deploy_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client/gateway"
)

// TestGatewayOfAuthConf has the users of deploy/auth.conf come by HTTP.
func TestGatewayOfAuthConf(t *testing.T) {
	g := guard(t, users(t))
	_, err := g.start(t)
	require.NoError(t, err)
	gate, err := gateway.New(gateway.Config{Connect: func(ctx context.Context, c gateway.Credentials) (*nats.Conn, error) {
		return bus.Connect(ctx, bus.Config{
			URL: g.url, User: c.User, Password: c.Password, InboxPrefix: "_INBOX." + c.User, Logger: slog.New(slog.DiscardHandler),
		})
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gate.Close(context.Background())) })
	for _, test := range []struct {
		user, password, method, path, body string
		status                             int
	}{
		{"org1", password, "POST", "/room/org1/lobby/say", `"hello"`, http.StatusOK},
		{"org1", password, "POST", "/room/org1/lobby/history", "", http.StatusOK},
		{"org1", password, "POST", "/room/org1/lobby/clear", "", http.StatusForbidden},
		{"org1", password, "POST", "/room/org2/lobby/say", `"hello"`, http.StatusForbidden},
		{"org1", password, "POST", "/room/org1/lobby/_destroy", "", http.StatusForbidden},
		{"org1", password, "GET", "/room/org2/lobby/said", "", http.StatusForbidden},
		{"org1", password, "GET", "/openapi.json", "", http.StatusForbidden},
		{"org1", "guess", "POST", "/room/org1/lobby/history", "", http.StatusUnauthorized},
		{"watcher", password, "POST", "/room/org1/lobby/history", "", http.StatusForbidden},
		{"operator", password, "POST", "/room/org2/lobby/say", `"hello"`, http.StatusOK},
		{"operator", password, "GET", "/openapi.json", "", http.StatusOK},
	} {
		request := httptest.NewRequestWithContext(t.Context(), test.method, "http://localhost"+test.path, strings.NewReader(test.body))
		request.Header.Set("Content-Type", "application/json")
		request.SetBasicAuth(test.user, test.password)
		answer := httptest.NewRecorder()
		gate.ServeHTTP(answer, request)
		require.Equal(t, test.status, answer.Code, "%s %s: %s", test.user, test.path, answer.Body)
	}
}

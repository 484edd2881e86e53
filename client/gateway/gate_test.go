package gateway_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
)

// TestPagesOfStrangers has browsers send what pages of others would have them send.
func TestPagesOfStrangers(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	closed := open(t, b, gateway.Config{})
	allowing := open(t, b, gateway.Config{Origins: []string{"https://shop.example"}, Hosts: []string{"api.example"}})
	for _, test := range []struct {
		name   string
		site   site
		method string
		pairs  []string
		status int
		origin string // that is allowed
	}{
		{"no browser", closed, "POST", nil, 200, ""},
		{"its own page", closed, "POST", []string{"Origin", closed.url, "Sec-Fetch-Site", "same-origin"}, 200, ""},
		{"another page", closed, "POST", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"another page of an old browser", closed, "POST", []string{"Origin", "https://evil.example"}, 403, ""},
		{"a file", closed, "POST", []string{"Origin", "null"}, 403, ""},
		{"a question", closed, "OPTIONS", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 405, ""},
		{"another name", closed, "POST", []string{"Host", "evil.example"}, 421, ""},
		{"localhost", closed, "POST", []string{"Host", "localhost:7421"}, 200, ""},
		{"an allowed page", allowing, "POST", []string{"Host", "api.example", "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site"}, 200, "https://shop.example"},
		{"an allowed question", allowing, "OPTIONS", []string{"Host", "api.example", "Origin", "https://shop.example", "Access-Control-Request-Method", "POST"}, 204, "https://shop.example"},
		{"a page that is not", allowing, "POST", []string{"Host", "api.example", "Origin", "https://shop.example.evil", "Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"only given names", allowing, "POST", []string{"Host", "localhost"}, 421, ""},
		{"delete", closed, "DELETE", nil, 405, ""},
	} {
		got := test.site.do(t.Context(), test.method, "/room/a/count", "", test.pairs...)
		require.Equal(t, test.status, got.status, "%s: %s", test.name, got.body)
		require.Equal(t, test.origin, got.Get("Access-Control-Allow-Origin"), test.name)
		require.Empty(t, got.Get("Access-Control-Allow-Credentials"), test.name)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	connect := func(context.Context, gateway.Credentials) (*nats.Conn, error) { return nil, nats.ErrNoServers }
	for name, config := range map[string]gateway.Config{
		"no Connect":      {},
		"namespace":       {Connect: connect, Namespace: "a b"},
		"negative time":   {Connect: connect, Timeout: -1},
		"negative idle":   {Connect: connect, Idle: -1},
		"negative limit":  {Connect: connect, Streams: -1},
		"an origin":       {Connect: connect, Origins: []string{"*"}},
		"origin and path": {Connect: connect, Origins: []string{"https://a.example/"}},
	} {
		_, err := gateway.New(config)
		require.Error(t, err, name)
	}
	s := serve(t, gateway.Config{Connect: connect, Anonymous: true})
	got := s.post("/room/a/count", "")
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.True(t, got.failed(t).Retryable)
}

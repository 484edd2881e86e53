package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client/gateway"
	"github.com/troupe-go/troupe/internal/bustest"
)

// secured is a server with users, a host on it, and a gateway that connects as whoever comes.
type secured struct {
	site

	server *server.Server
	config *server.Options

	mu   sync.Mutex
	made map[string]int // connections, by user
}

const password = "secret"

func secure(t *testing.T, config gateway.Config, more ...actorhost.Definition) *secured {
	t.Helper()
	allow := func(subjects ...string) *server.SubjectPermission { return &server.SubjectPermission{Allow: subjects} }
	s := &secured{made: make(map[string]int), config: &server.Options{
		NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{
			{Username: "host", Password: password},
			{Username: "ann", Password: password, Permissions: &server.Permissions{
				Publish: allow("troupe.call.room.ann.say", "troupe.route.room.ann.say", "troupe.call.room.ann._position",
					"troupe.route.room.ann._position", "troupe.call.room.ann._cancel"),
				Subscribe: allow("_INBOX.ann.>", "troupe.event.room.ann.said"),
			}},
			{Username: "bob", Password: password},
		},
	}}
	s.server = bustest.Serve(t, s.config)
	connect := func(ctx context.Context, c gateway.Credentials) (*nats.Conn, error) {
		s.mu.Lock()
		s.made[c.User+c.Token]++
		s.mu.Unlock()
		return bus.Connect(ctx, bus.Config{
			URL: s.server.ClientURL(), User: c.User, Password: c.Password, Token: c.Token, InboxPrefix: c.InboxPrefix,
			Logger: slog.New(slog.DiscardHandler),
		})
	}
	nc, err := connect(t.Context(), gateway.Credentials{User: "host", Password: password})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)},
		append(more, newRooms().define())...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	config.Connect = connect
	s.site = serve(t, config)
	return s
}

func (s *secured) connections(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[user]
}

// change changes the password of a user.
func (s *secured) change(t *testing.T, user string) {
	t.Helper()
	changed := *s.config
	changed.Users = nil
	for _, known := range s.config.Users {
		one := *known
		if one.Username == user {
			one.Password = "changed"
		}
		changed.Users = append(changed.Users, &one)
	}
	require.NoError(t, s.server.ReloadOptions(&changed))
}

// as is the header of a user.
func as(user, with string) []string {
	r := &http.Request{Header: make(http.Header)}
	r.SetBasicAuth(user, with)
	return []string{"Authorization", r.Header.Get("Authorization"), gateway.HeaderInboxPrefix, "_INBOX." + user}
}

// TestPermissionsOfTheServerHold has users do what they may, and what they may not.
func TestPermissionsOfTheServerHold(t *testing.T) {
	t.Parallel()
	s := secure(t, gateway.Config{})
	ann := as("ann", password)
	for name, test := range map[string]struct {
		method, path string
		pairs        []string
		status       int
		code         string
	}{
		"allowed":                {"POST", "/room/ann/say", ann, 200, ""},
		"another action":         {"POST", "/room/ann/count", ann, 403, "denied"},
		"another actor":          {"POST", "/room/bob/say", ann, 403, "denied"},
		"another type":           {"POST", "/till/ann/say", ann, 403, "denied"},
		"another event":          {"GET", "/room/ann/noted", ann, 403, "denied"},
		"another actor's events": {"GET", "/room/bob/said", ann, 403, "denied"},
		"destroy":                {"POST", "/room/ann/_destroy", ann, 403, "denied"},
		"no inbox":               {"POST", "/room/ann/say", ann[:2], 403, "denied"},
		"inbox of another":       {"POST", "/room/ann/say", append(ann[:2:2], gateway.HeaderInboxPrefix, "_INBOX.bob"), 403, "denied"},
		"inbox of all":           {"POST", "/room/ann/say", append(ann[:2:2], gateway.HeaderInboxPrefix, "_INBOX.*"), 400, "bad_input"},
		"inbox of JetStream":     {"POST", "/room/ann/say", append(ann[:2:2], gateway.HeaderInboxPrefix, "$JS.API"), 400, "bad_input"},
		"wrong password":         {"POST", "/room/ann/say", as("ann", "guess"), 401, "unauthenticated"},
		"unknown user":           {"POST", "/room/ann/say", as("eve", password), 401, "unauthenticated"},
		"a token":                {"POST", "/room/ann/say", []string{"Authorization", "Bearer secret"}, 401, "unauthenticated"},
		"no credentials":         {"POST", "/room/ann/say", nil, 401, "unauthenticated"},
		"no credentials, GET":    {"GET", "/room/ann/said", nil, 401, "unauthenticated"},
		"empty credentials":      {"POST", "/room/ann/say", []string{"Authorization", ""}, 401, "unauthenticated"},
		"empty token":            {"POST", "/room/ann/say", []string{"Authorization", "Bearer "}, 401, "unauthenticated"},
		"no user":                {"POST", "/room/ann/say", []string{"Authorization", "Basic OnNlY3JldA=="}, 401, "unauthenticated"},
		"another scheme":         {"POST", "/room/ann/say", []string{"Authorization", "Digest x"}, 401, "unauthenticated"},
		"two credentials":        {"POST", "/room/ann/say", append(as("ann", password), "Authorization", "Bearer x"), 401, "unauthenticated"},
		"huge credentials":       {"POST", "/room/ann/say", []string{"Authorization", "Bearer " + strings.Repeat("x", 20<<10)}, 401, "unauthenticated"},
		"everything":             {"POST", "/room/bob/count", as("bob", password), 200, ""},
	} {
		body := `"x"`
		if strings.HasSuffix(test.path, "count") {
			body = ""
		}
		got := s.do(t.Context(), test.method, test.path, body, append([]string{"Content-Type", "application/json"}, test.pairs...)...)
		require.Equal(t, test.status, got.status, "%s: %s", name, got.body)
		if test.code != "" {
			require.Equal(t, test.code, got.failed(t).Code, name)
		}
		require.Equal(t, test.status == http.StatusUnauthorized, got.Get("WWW-Authenticate") != "", name)
		require.NotContains(t, got.body, password, name)
	}
	e := s.listen("/room/ann/said", ann...)
	e.begun()
	s.post("/room/ann/say", `"mine"`, ann...)
	e.want("said", `"mine"`)
}

// TestOneConnectionForEachUser counts them.
func TestOneConnectionForEachUser(t *testing.T) {
	t.Parallel()
	s := secure(t, gateway.Config{})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			user := []string{"ann", "bob"}[i%2]
			got := s.post("/room/ann/say", `"x"`, as(user, password)...)
			require.Equal(t, http.StatusOK, got.status, got.body)
		})
	}
	all.Wait()
	require.Equal(t, 1, s.connections("ann"))
	require.Equal(t, 1, s.connections("bob"))
	require.Equal(t, http.StatusUnauthorized, s.post("/room/ann/say", `"x"`, as("ann", "guess")...).status)
	require.Equal(t, http.StatusOK, s.post("/room/ann/say", `"x"`, as("ann", password)...).status)
	require.Equal(t, 2, s.connections("ann"), "whoever has another password is another user")
}

// TestUserWhoMayNoLonger has a user lose the permission to connect, while one is there.
func TestUserWhoMayNoLonger(t *testing.T) {
	t.Parallel()
	s := secure(t, gateway.Config{})
	ann := as("ann", password)
	require.Equal(t, http.StatusOK, s.post("/room/ann/say", `"x"`, ann...).status)
	s.change(t, "ann")
	ann = append(ann, "Troupe-Timeout", "500") // one that is under way meanwhile gets no answer
	require.Eventually(t, func() bool { return s.post("/room/ann/say", `"x"`, ann...).status == http.StatusUnauthorized }, patience, tick)
	require.Equal(t, http.StatusOK, s.post("/room/ann/say", `"x"`, as("ann", "changed")...).status)
}

func TestFewUsers(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	var mu sync.Mutex
	made := make(map[string]*nats.Conn)
	s := serve(t, gateway.Config{Users: 2, Connect: func(_ context.Context, c gateway.Credentials) (*nats.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		made[c.Token] = b.Connect()
		return made[c.Token], nil
	}})
	token := func(name string) []string { return []string{"Authorization", "bearer " + name} }
	for i := range 5 { // the one who has been idle for longest goes
		require.Equal(t, http.StatusOK, s.post("/room/a/count", "", token(fmt.Sprint(i))...).status)
	}
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return made["0"].IsClosed() && made["1"].IsClosed() && made["2"].IsClosed() && !made["3"].IsClosed() && !made["4"].IsClosed()
	}, patience, tick)
	s.listen("/room/a/said", token("3")...).begun()
	s.listen("/room/a/said", token("4")...).begun()
	got := s.post("/room/a/count", "", token("5")...)
	require.Equal(t, http.StatusTooManyRequests, got.status, "nobody is idle")
	require.True(t, got.failed(t).Retryable)
}

// TestIdleUserAndBeats passes time: a stream is kept alive, and the connection of who does nothing is closed.
func TestIdleUserAndBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, newRooms().define())
		nc := b.Connect()
		g, err := gateway.New(gateway.Config{
			Anonymous: true, Idle: time.Minute, Connect: func(context.Context, gateway.Credentials) (*nats.Conn, error) {
				if nc.IsClosed() {
					return nil, errors.New("closed")
				}
				return nc, nil
			},
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		over := make(chan struct{})
		go func() {
			defer close(over)
			g.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/room/a/said", nil))
		}()
		time.Sleep(5 * time.Minute) //nolint:forbidigo // virtual time
		cancel()
		<-over
		require.Equal(t, 20, strings.Count(w.Body.String(), ":\n\n"), w.Body.String())
		require.False(t, nc.IsClosed(), "a stream was there")
		time.Sleep(59 * time.Second) //nolint:forbidigo // virtual time
		require.False(t, nc.IsClosed())
		time.Sleep(2 * time.Second) //nolint:forbidigo // virtual time
		require.True(t, nc.IsClosed())
		require.NoError(t, g.Close(t.Context()))
	})
}

// atTimes dials when it may.
type atTimes struct{ not *atomic.Bool }

func (a atTimes) Dial(network, address string) (net.Conn, error) {
	if a.not.Load() {
		return nil, errors.New("not now")
	}
	return new(net.Dialer).Dial(network, address)
}

// TestConnectionThatComesBack has a call wait for a connection that is gone for a moment.
func TestConnectionThatComesBack(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, &server.Options{NoLog: true}).ClientURL()
	dial := atTimes{new(atomic.Bool)}
	nc, err := nats.Connect(url, nats.SetCustomDialer(dial), nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond))
	require.NoError(t, err)
	s := serve(t, gateway.Config{Anonymous: true, Connect: func(context.Context, gateway.Credentials) (*nats.Conn, error) { return nc, nil }})
	require.Equal(t, http.StatusNotFound, s.post("/room/a/say", `"x"`).status, "there is no host")
	dial.not.Store(true)
	require.NoError(t, nc.ForceReconnect())
	require.Eventually(t, nc.IsReconnecting, patience, tick)
	time.AfterFunc(50*time.Millisecond, func() { dial.not.Store(false) })
	require.Equal(t, http.StatusNotFound, s.post("/room/a/say", `"x"`).status)

	dial.not.Store(true)
	require.NoError(t, nc.ForceReconnect())
	require.Eventually(t, nc.IsReconnecting, patience, tick)
	gone := s.post("/room/a/say", `"x"`)
	require.Equal(t, http.StatusServiceUnavailable, gone.status, "it does not wait for ever")
	require.True(t, gone.failed(t).Retryable, gone.body)
}

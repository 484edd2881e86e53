package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client/gateway"
	"github.com/troupe-go/troupe/internal/bustest"
)

// startGateway runs the verb, and returns its address. Stop ends it.
func startGateway(t *testing.T, p program, args ...string) (url string, stop func() (code int, complaints string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, told := io.Pipe()
	ended := make(chan int, 1)
	var complaints bytes.Buffer
	go func() {
		ended <- run(ctx, p.args(append([]string{"gateway", "--listen", "127.0.0.1:0", "--json"}, args...)), terminal{out: told, err: &complaints})
	}()
	var line struct{ URL string }
	require.NoError(t, json.NewDecoder(out).Decode(&line))
	return line.URL, func() (int, string) { cancel(); return <-ended, complaints.String() }
}

func post(t *testing.T, url, body string, edit func(*http.Request)) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	if edit != nil {
		edit(request)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	read, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(read)
}

func TestGateway(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	url, stop := startGateway(t, p, "--anonymous", "--host", "api.example.com")
	status, text := post(t, url+"room/a/add", "3", nil)
	require.Equal(t, http.StatusOK, status, text)
	require.Equal(t, "3\n", text)
	status, _ = post(t, url+"room/a/add", "3", func(r *http.Request) { r.Host = "api.example.com" })
	require.Equal(t, http.StatusOK, status)
	status, _ = post(t, url+"room/a/add", "3", func(r *http.Request) { r.Host = "example.com" })
	require.Equal(t, http.StatusMisdirectedRequest, status)
	code, complaints := stop()
	require.Equal(t, exitOK, code, complaints)
	require.Empty(t, complaints)
	require.Equal(t, exitUsage, p.run(t.Context(), "gateway", "--listen", "nowhere").code)
	require.Equal(t, exitUsage, p.run(t.Context(), "gateway", "--listen", "127.0.0.1:0", "--origin", "shop").code)
}

// TestGatewayOfUsers has users come with passwords, whose inboxes are the gateway's to know.
func TestGatewayOfUsers(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, &server.Options{NoLog: true, Users: []*server.User{{
		Username: "ann", Password: "secret",
		Permissions: &server.Permissions{Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.ann.>"}}},
	}}}).ClientURL()
	url, stop := startGateway(t, at(url), "--user", "ann", "--password", "secret") // nobody else is let in as the user of the command
	for with, want := range map[string]int{"secret": http.StatusNotFound, "guess": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		status, text := post(t, url+"room/a/add", "3", func(r *http.Request) {
			if with != "" {
				r.SetBasicAuth("ann", with)
			}
		})
		require.Equal(t, want, status, text)
	}
	code, complaints := stop()
	require.Equal(t, exitOK, code, complaints)
}

func TestCredentialsOfRequests(t *testing.T) {
	t.Parallel()
	c := gatewayCommand{UserInbox: "_INBOX.web.{user}"}
	own := bus.Config{URL: "nats://a", User: "gateway", Password: "p", InboxPrefix: "_INBOX.gateway"}
	const userJWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.e30.x"
	for name, test := range map[string]struct {
		from gateway.Credentials
		want bus.Config
	}{
		"nobody":            {gateway.Credentials{}, own},
		"a user":            {gateway.Credentials{User: "ann", Password: "x"}, bus.Config{User: "ann", Password: "x", InboxPrefix: "_INBOX.web.ann"}},
		"a user, inbox":     {gateway.Credentials{User: "ann", Password: "x", InboxPrefix: "_I"}, bus.Config{User: "ann", Password: "x", InboxPrefix: "_I"}},
		"a wild user":       {gateway.Credentials{User: "a.*", Password: "x"}, bus.Config{User: "a.*", Password: "x"}},
		"a token":           {gateway.Credentials{Token: "/etc/passwd"}, bus.Config{Token: "/etc/passwd"}},
		"a JWT of NATS":     {gateway.Credentials{Token: userJWT}, bus.Config{JWT: userJWT}},
		"a JWT for callout": {gateway.Credentials{Token: "eyJhbGciOiJSUzI1NiJ9.e30.x"}, bus.Config{Token: "eyJhbGciOiJSUzI1NiJ9.e30.x"}},
		"no JWT":            {gateway.Credentials{Token: "eyJ"}, bus.Config{Token: "eyJ"}},
	} {
		test.want.URL, test.want.Name = "nats://a", " gateway"
		require.Equal(t, test.want, c.configOf(own, test.from), name)
	}
}

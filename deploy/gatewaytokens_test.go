package deploy_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"
)

// web is a gateway as it is run, and who asks it.
type web struct {
	t   *testing.T
	url string
	*http.Client
}

// serveGateway runs troupe gateway.
func serveGateway(t *testing.T, binary, natsURL string) web {
	t.Helper()
	gate := exec.CommandContext(t.Context(), binary, "gateway", "--listen", "127.0.0.1:0", "--json")
	gate.Env = []string{"HOME=" + t.TempDir(), "NATS_URL=" + natsURL}
	gate.Stderr = t.Output()
	gate.Cancel = func() error { return gate.Process.Signal(os.Interrupt) }
	out, err := gate.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, gate.Start())
	t.Cleanup(func() { _ = gate.Wait() }) // it ends with the context of the test
	var line struct{ URL string }
	require.NoError(t, json.NewDecoder(out).Decode(&line))
	return web{t, strings.TrimSuffix(line.URL, "/"), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (w web) do(method, path, body, token, inbox string) *http.Response {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Troupe-Inbox-Prefix", inbox)
	request.Header.Set("Troupe-Timeout", "1000") // of a call that is under way when the user is let in no more
	answer, err := w.Do(request)
	require.NoError(w.t, err)
	return answer
}

// post makes a call, and again while it may, as when the server is just ending the connection of the user.
func (w web) post(path, body, token, inbox string) (status int, text string) {
	w.t.Helper()
	for {
		answer := w.do(http.MethodPost, path, body, token, inbox)
		read, err := io.ReadAll(answer.Body)
		require.NoError(w.t, err)
		require.NoError(w.t, answer.Body.Close())
		if !strings.Contains(string(read), `"retryable":true`) {
			return answer.StatusCode, string(read)
		}
	}
}

func (w web) want(status int, path, body, token, inbox string) {
	w.t.Helper()
	got, text := w.post(path, body, token, inbox)
	require.Equal(w.t, status, got, text)
}

// TestGatewayOfTokens has guests come to the gateway by a session of the callout, and users by JWTs. Both kinds run out.
func TestGatewayOfTokens(t *testing.T) {
	t.Parallel()
	r := newRealm(t)
	options := r.options(t)
	options.Websocket = server.WebsocketOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoTLS: true}
	g := guard(t, options)
	key := sessionKey(t)
	r.answer(t, g, key)
	r.host(t, g)
	w := serveGateway(t, buildCLI(t, g).binary, g.server.WebsocketURL()) // guests are pages: they come by a WebSocket alone

	ann, brief := r.cookie(t, key, "org1", "ann"), r.cookie(t, key, "org1", "ben", "--valid=3s")
	w.want(http.StatusOK, "/room/org1/lobby/say", `"hello"`, ann, "_INBOX.org1.ann")
	w.want(http.StatusForbidden, "/room/org2/lobby/say", `"hello"`, ann, "_INBOX.org1.ann")
	w.want(http.StatusForbidden, "/room/org1/lobby/clear", "", ann, "_INBOX.org1.ann")
	w.want(http.StatusForbidden, "/room/org1/lobby/say", `"hello"`, ann, "_INBOX.org1.ben")
	w.want(http.StatusUnauthorized, "/room/org1/lobby/say", `"hello"`, strings.Replace(ann, "org1", "org2", 1), "_INBOX.org2.ann")
	w.want(http.StatusOK, "/room/org1/lobby/say", `"hello"`, brief, "_INBOX.org1.ben")
	w.guestStays(ann)
	require.Eventually(t, func() bool {
		status, _ := w.post("/room/org1/lobby/say", `"hello"`, brief, "_INBOX.org1.ben")
		return status == http.StatusUnauthorized
	}, 30*time.Second, 50*time.Millisecond, "the session is over")

	w.want(http.StatusOK, "/room/org1/lobby/say", `"hello"`, r.bearer(t, "troupe", time.Hour), "_INBOX.org1.web")
	w.want(http.StatusForbidden, "/room/org2/lobby/say", `"hello"`, r.bearer(t, "troupe", time.Hour), "_INBOX.org1.web")
	w.want(http.StatusUnauthorized, "/room/org1/lobby/say", `"hello"`, r.bearer(t, "callout", time.Hour), "_INBOX.org1.web")
	w.want(http.StatusUnauthorized, "/room/org1/lobby/say", `"hello"`, r.bearer(t, "troupe", -time.Hour), "_INBOX.org1.web")
	creds, err := os.ReadFile(r.user(t, "program", "org1", "shop"))
	require.NoError(t, err)
	stolen, err := jwt.ParseDecoratedJWT(creds)
	require.NoError(t, err)
	w.want(http.StatusUnauthorized, "/room/org1/lobby/say", `"hello"`, stolen, "_INBOX.org1.shop") // not without its seed
	soon := r.bearer(t, "troupe", 2*time.Second)
	w.want(http.StatusOK, "/room/org1/lobby/say", `"hello"`, soon, "_INBOX.org1.web")
	require.Eventually(t, func() bool {
		status, _ := w.post("/room/org1/lobby/say", `"hello"`, soon, "_INBOX.org1.web")
		return status == http.StatusUnauthorized
	}, 30*time.Second, 50*time.Millisecond)
}

// guestStays has a guest listen and call while its JWTs run out, at least once: each event is heard, or told of as missed.
func (w web) guestStays(token string) {
	t := w.t
	const path, inbox = "/room/org1/stay", "_INBOX.org1.ann"
	stream := w.do(http.MethodGet, path+"/said", "", token, inbox)
	defer func() { require.NoError(t, stream.Body.Close()) }()
	require.Equal(t, http.StatusOK, stream.StatusCode)
	lines := bufio.NewScanner(stream.Body)
	const calls = 8
	for i := range calls {
		status, text := w.post(path+"/say", fmt.Sprintf("%q", fmt.Sprint(i)), token, inbox)
		require.Equal(t, http.StatusOK, status, text)
		require.Equal(t, fmt.Sprintf("%d\n", i+1), text, "each runs once")
		time.Sleep(400 * time.Millisecond) //nolint:forbidigo // JWTs are good for 2 s of real time
	}
	var told []string
	for missed, event := 0, ""; len(told)+missed < calls && lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		switch {
		case ok && event == "said":
			told = append(told, data)
		case ok:
			var gap struct{ Missed int }
			require.NoError(t, json.Unmarshal([]byte(data), &gap), data)
			missed += gap.Missed
		}
	}
	t.Logf("%d of %d events were heard", len(told), calls)
	require.NotEmpty(t, told)
	require.Equal(t, fmt.Sprintf("%q", fmt.Sprint(calls-1)), told[len(told)-1])
}

// bearer makes a user whom a token alone lets in: signed by an account.
func (r realm) bearer(t *testing.T, account string, valid time.Duration) string {
	t.Helper()
	seed, err := os.ReadFile(filepath.Join(r.dir, account+".nk"))
	require.NoError(t, err)
	signer, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(seed))))
	require.NoError(t, err)
	user, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := user.PublicKey()
	require.NoError(t, err)
	claims := jwt.NewUserClaims(public)
	claims.Name, claims.BearerToken, claims.Expires = "web", true, time.Now().Add(valid).Unix()
	claims.Pub.Allow.Add("troupe.*.room.org1.*.say", "troupe.*.room.org1.*._cancel")
	claims.Sub.Allow.Add("_INBOX.org1.web.>")
	encoded, err := claims.Encode(signer)
	require.NoError(t, err)
	return encoded
}

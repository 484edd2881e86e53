package inspect_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
	"github.com/troupe-go/troupe/internal/bustest"
)

// ear is who listens to the events of an actor.
type ear struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

// listen opens the stream of an actor's events.
func (s site) listen(t *testing.T, path string) (ear, int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(t, err)
	answer, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	closing := func() { _ = answer.Body.Close() } // which ends the request
	t.Cleanup(closing)
	return ear{t, bufio.NewScanner(answer.Body), closing}, answer.StatusCode
}

// next is the next thing that is told: its kind, and what it says.
func (e ear) next() (kind, data string) {
	e.t.Helper()
	for e.lines.Scan() {
		name, value, _ := strings.Cut(e.lines.Text(), ": ")
		switch name {
		case "event":
			kind = value
		case "data":
			return kind, value
		}
	}
	require.FailNow(e.t, "the stream has ended", "%v", e.lines.Err())
	return "", ""
}

func TestEventsOfAnActor(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	nc := b.Connect()
	pages := serve(t, nc, inspect.Config{})
	page := pages.ok(t, pathTo("events"))
	require.NotContains(t, page, "<script>alert")
	require.Contains(t, page, `data-listen="listen?`)
	subs := nc.NumSubscriptions()
	listening, status := pages.listen(t, pathTo("listen"))
	require.Equal(t, http.StatusOK, status)
	kind, _ := listening.next()
	require.Equal(t, "open", kind)
	require.Equal(t, subs+1, nc.NumSubscriptions())
	for _, key := range [][]string{{"another"}, {hostileKey, "below"}, {hostileKey}} {
		_, err := shout.Call(t.Context(), troupe.GetOrCreate[room](b.Client, key...), []string{"</td>\u202e" + strings.Repeat("x", 1000)})
		require.NoError(t, err)
	}
	_, data := listening.next()
	require.Contains(t, data, `"event":"heard"`)
	require.Contains(t, data, `\\u202exxxx`, "it is its own, and readable")
	require.Less(t, len(data), 600)

	flood := make([]string, 900)
	for i := range flood {
		flood[i] = fmt.Sprint(i)
	}
	_, err := shout.Call(t.Context(), troupe.GetOrCreate[room](b.Client, hostileKey), flood)
	require.NoError(t, err)
	shown, left := 0, 0
	for shown+left < len(flood) {
		switch kind, data := listening.next(); kind {
		case "left":
			var n int
			_, err := fmt.Sscan(data, &n)
			require.NoError(t, err)
			left += n
		case "":
			shown++
		}
	}
	require.Positive(t, left, "50 a second are shown")
	require.Equal(t, len(flood), shown+left)
	listening.close()
	require.Eventually(t, func() bool { return nc.NumSubscriptions() == subs }, 10*time.Second, 10*time.Millisecond, "it costs nothing when it is closed")

	_, status = pages.listen(t, "/listen?type=room&key=a%2F%2Fb")
	require.NotEqual(t, http.StatusOK, status)
	_, status = pages.listen(t, "/listen?type=>&key=a")
	require.NotEqual(t, http.StatusOK, status)
	answer, body := pages.get(t, pathTo("listen"), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	require.Equal(t, http.StatusForbidden, answer.StatusCode, body)
	for range 16 {
		listening, status := pages.listen(t, pathTo("listen"))
		require.Equal(t, http.StatusOK, status)
		kind, _ = listening.next()
		require.Equal(t, "open", kind)
	}
	_, status = pages.listen(t, pathTo("listen"))
	require.Equal(t, http.StatusServiceUnavailable, status)
	pages.ok(t, "/")
}

func TestEventsThatMustNotBeHeard(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{NoLog: true, JetStream: true, StoreDir: t.TempDir(), Users: []*server.User{
		{Username: "deaf", Password: "p", Permissions: &server.Permissions{Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}}},
	}})
	nc, err := nats.Connect(srv.ClientURL(), nats.UserInfo("deaf", "p"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	listening, _ := serve(t, nc, inspect.Config{}).listen(t, pathTo("listen"))
	kind, data := listening.next()
	require.Equal(t, "refused", kind)
	require.Contains(t, data, "NATS does not allow this user to subscribe")
}

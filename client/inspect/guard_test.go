package inspect_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/client/inspect"
	"github.com/troupe-go/troupe/internal/bustest"
)

func TestOnlyReadersByKnownNames(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	byDefault := serve(t, b.Connect(), inspect.Config{})
	named := serve(t, b.Connect(), inspect.Config{Hosts: []string{"ops.example.com", "[2001:db8::1]"}})
	for name, one := range map[string]struct {
		site         site
		host, method string
		status       int
	}{
		"its address":      {byDefault, "", http.MethodGet, http.StatusOK},
		"localhost":        {byDefault, "LOCALHOST:1", http.MethodGet, http.StatusOK},
		"IPv6":             {byDefault, "[::1]:80", http.MethodGet, http.StatusOK},
		"rebound name":     {byDefault, "evil.example", http.MethodGet, http.StatusMisdirectedRequest},
		"suffix":           {byDefault, "localhost.evil.example", http.MethodGet, http.StatusMisdirectedRequest},
		"given name":       {named, "ops.example.com", http.MethodGet, http.StatusOK},
		"given address":    {named, "[2001:db8::1]:8080", http.MethodGet, http.StatusOK},
		"others are gone":  {named, "localhost", http.MethodGet, http.StatusMisdirectedRequest},
		"head":             {byDefault, "", http.MethodHead, http.StatusOK},
		"post":             {byDefault, "", http.MethodPost, http.StatusMethodNotAllowed},
		"delete":           {byDefault, "", http.MethodDelete, http.StatusMethodNotAllowed},
		"post of a rebind": {byDefault, "evil.example", http.MethodPost, http.StatusMisdirectedRequest},
	} {
		answer, body := one.site.get(t, "/inspect.js", func(r *http.Request) {
			r.Method = one.method
			if one.host != "" {
				r.Host = one.host
			}
		})
		require.Equal(t, one.status, answer.StatusCode, "%s: %s", name, body)
		policy := answer.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'", name)
		require.NotContains(t, policy, "unsafe", name)
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"), name)
	}
	for _, page := range []string{"/", "/failures", "/stuck"} {
		body := byDefault.ok(t, page)
		require.NotRegexp(t, `<script(>|[^>]* src="[^"]*//)`, body)
		require.NotRegexp(t, `(?i)<style|\sstyle=|\son[a-z]+=`, body, "the policy forbids them")
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	pages := serve(t, b.Connect(), inspect.Config{})
	require.Contains(t, text(pages.ok(t, "/")), "No host is up.")
	require.Contains(t, text(pages.ok(t, "/stuck")), "Nothing is stuck.")
	b.Host(rooms(t))
	for path, status := range map[string]int{
		"/actor?type=room&key=nobody":                       http.StatusNotFound,
		"/actor?type=room":                                  http.StatusNotFound,
		"/actor":                                            http.StatusBadRequest,
		"/actor?type=room&key=%3Dzz":                        http.StatusBadRequest,
		"/actor?type=room&key=a%2F%2Fb":                     http.StatusBadRequest,
		"/actor?type=a.b&key=a":                             http.StatusBadRequest,
		"/actor?type=room&key=%00%E2%80%AE":                 http.StatusNotFound,
		"/actor?type=room&key=" + strings.Repeat("x", 5000): http.StatusBadRequest,
		"/type?name=ballroom":                               http.StatusNotFound,
		"/type?name=%3E":                                    http.StatusBadRequest,
		"/type?name=room&longer=long":                       http.StatusBadRequest,
		"/type?name=room&longer=-1s":                        http.StatusBadRequest,
		"/type?name=room&at=zzz:room/0":                     http.StatusOK, // of a host that is gone
		"/nothing":                                          http.StatusNotFound,
		"/page/layout.html":                                 http.StatusNotFound,
	} {
		answer, body := pages.get(t, path)
		require.Equal(t, status, answer.StatusCode, "%s: %s", path, text(body))
	}
	_, err := inspect.New(b.Connect(), inspect.Config{Namespace: "a b"})
	require.ErrorIs(t, err, troupe.ErrBadInput)
	_, err = inspect.New(b.Connect(), inspect.Config{Timeout: -1})
	require.Error(t, err)
}

// TestKeys shows actors whose keys are whatever a stranger can think of, and comes to each by the link on the page of its type.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	keys := [][]string{
		nil, {""}, {"", ""}, {".."}, {"a", "..", "b"}, {"a/b"}, {"<script>alert(1)</script>"}, {"a\x00b"}, {"\u202egnp.exe"}, {"\xff\xfe"},
		{"שלום"}, {`"'&<>`}, {"a b?c=d&e#f%g+h"}, {strings.Repeat("k", 1024)}, {"-x"}, {"{{.}}"},
	}
	for _, key := range keys {
		_, err := say.Call(t.Context(), troupe.GetOrCreate[room](b.Client, key...), fmt.Sprintf("I am %q", key))
		require.NoError(t, err, "%q", key)
	}
	list := pages.ok(t, "/type?name=room")
	require.NotContains(t, list, "<script>alert")
	require.NotContains(t, list, "\u202e")
	links := linksTo(list, "actor?")
	require.Len(t, links, len(keys))
	for _, link := range links {
		body := pages.ok(t, "/"+link)
		require.Contains(t, body, "I am ", link)
		require.NotContains(t, body, "<script>alert")
		require.NotContains(t, body, "\u202e")
		require.NotContains(t, body, "\x00")
	}
}

// linksTo are the links of a page that begin with a prefix.
func linksTo(page, prefix string) (links []string) {
	for _, rest := range strings.Split(page, `href="`+prefix)[1:] {
		link, _, _ := strings.Cut(rest, `"`)
		links = append(links, prefix+strings.ReplaceAll(link, "&amp;", "&"))
	}
	return links
}

func TestPagesOfAType(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	b.Host(rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	want := make(map[string]bool)
	for i := range 130 {
		key := "r" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		want[key] = true
		_, err := say.Call(t.Context(), troupe.GetOrCreate[room](b.Client, key), "")
		require.NoError(t, err)
	}
	found := make(map[string]bool)
	for at, n := "type?name=room", 0; at != ""; n++ {
		require.Less(t, n, 10)
		body := pages.ok(t, "/"+at)
		for _, link := range linksTo(body, "actor?") {
			query, err := url.ParseQuery(strings.TrimPrefix(link, "actor?"))
			require.NoError(t, err)
			found[query.Get("key")] = true
		}
		at = ""
		if _, rest, more := strings.Cut(body, `<a rel="next" href="`); more {
			next, _, _ := strings.Cut(rest, `"`)
			at = strings.ReplaceAll(next, "&amp;", "&")
		}
	}
	require.Equal(t, want, found)
}

func TestManyReaders(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	watching := b.Connect()
	pages := serve(t, watching, inspect.Config{})
	pages.ok(t, "/")
	before := watching.Stats().OutMsgs
	began := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 10 {
				pages.ok(t, "/")
			}
		})
	}
	all.Wait()
	looks := uint64(time.Since(began)/(900*time.Millisecond)) + 1
	require.LessOrEqual(t, watching.Stats().OutMsgs-before, looks*8, "all of them see the same look")
}

func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	options := &server.Options{Host: "127.0.0.1", Port: bustest.FreePort(t), NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()}
	srv := bustest.Serve(t, options)
	connect := func() *nats.Conn {
		nc, err := nats.Connect(srv.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0))
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	host, err := actorhost.Start(t.Context(), connect(), actorhost.Config{}, rooms(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(t.Context()) }) // it may have to start anew
	cl, err := client.New(connect(), client.Config{})
	require.NoError(t, err)
	_, err = say.Call(t.Context(), troupe.GetOrCreate[room](cl, "a"), "hello")
	require.NoError(t, err)
	pages := serve(t, connect(), inspect.Config{})
	require.Contains(t, text(pages.ok(t, "/")), "Hosts 1")
	srv.Shutdown()
	srv.WaitForShutdown()
	require.Eventually(t, func() bool {
		answer, body := pages.get(t, "/")
		return answer.StatusCode == http.StatusServiceUnavailable && strings.Contains(body, "no connection with the NATS server")
	}, 20*time.Second, 20*time.Millisecond)
	bustest.Serve(t, options)
	require.Eventually(t, func() bool {
		answer, body := pages.get(t, "/actor?type=room&key=a")
		return answer.StatusCode == http.StatusOK && strings.Contains(body, "hello")
	}, 30*time.Second, 50*time.Millisecond)
}

// TestReader has the pages made for a user who may do what docs/inspect.md says, and for one who must not ask hosts.
func TestReader(t *testing.T) {
	t.Parallel()
	watcher := []string{
		"$JS.API.STREAM.INFO.KV_troupe-actors", "$JS.API.STREAM.INFO.KV_troupe-hosts", "$JS.API.DIRECT.GET.KV_troupe-actors",
		"$JS.API.DIRECT.GET.KV_troupe-hosts", "$JS.API.DIRECT.GET.KV_troupe-actors.>", "$JS.API.STREAM.MSG.GET.KV_troupe-actors",
		"$JS.API.STREAM.MSG.GET.KV_troupe-hosts", "$JS.API.STREAM.INFO.troupe-queue", "$JS.API.STREAM.INFO.troupe-inorder",
		"$JS.API.STREAM.INFO.troupe-later", "$JS.API.STREAM.INFO.troupe-dead", "$JS.API.DIRECT.GET.troupe-dead",
	}
	reader := append([]string{
		"troupe.host.*.figures", "troupe.host.*.recent", "troupe.host.*.awake", "troupe.host.*.info", "troupe.host.*.info.>",
		"troupe.host.*.contract.>", "troupe.host.*.stack.>", "$SRV.PING.>",
	}, watcher...)
	may := func(publish []string) *server.Permissions {
		return &server.Permissions{
			Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		}
	}
	srv := bustest.Serve(t, &server.Options{NoLog: true, JetStream: true, StoreDir: t.TempDir(), Users: []*server.User{
		{Username: "host", Password: "p"}, {Username: "reader", Password: "p", Permissions: may(reader)},
		{Username: "watcher", Password: "p", Permissions: may(watcher)},
	}})
	connect := func(user string) *nats.Conn {
		nc, err := nats.Connect(srv.ClientURL(), nats.UserInfo(user, "p"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	host, err := actorhost.Start(t.Context(), connect("host"), actorhost.Config{}, rooms(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.WithoutCancel(t.Context()))) })
	cl, err := client.New(connect("host"), client.Config{})
	require.NoError(t, err)
	_, err = say.Call(t.Context(), troupe.GetOrCreate[room](cl, "a"), "hello")
	require.NoError(t, err)

	pages := serve(t, connect("reader"), inspect.Config{})
	for path, want := range map[string]string{
		"/": "Actors awake 1", "/failures": "Refused", "/stuck": "Nothing is stuck.", "/type?name=room": "action say string number",
		"/host?id=" + host.ID():  "Awake 1 actor",
		"/actor?type=room&key=a": "Awake yes, 0 waiting", "/actor?type=room&key=a&stack=": "Nothing runs.",
	} {
		body := text(pages.ok(t, path))
		require.Contains(t, body, want, path)
		require.NotContains(t, body, "denied", path)
		require.NotContains(t, body, "do not reply", path)
	}
	pages = serve(t, connect("watcher"), inspect.Config{})
	require.Contains(t, text(pages.ok(t, "/")), "denied")
	body := text(pages.ok(t, "/actor?type=room&key=a"))
	require.Contains(t, body, "hello", "what is stored can be seen")
	require.Contains(t, body, "denied")
	require.Contains(t, text(pages.ok(t, "/stuck")), "Nothing is stuck.")
}

package inspect_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// asked are the values that the form of a page has which asks, at the first link of a page to a change.
func (w writer) asked(t *testing.T, path, verb string) url.Values {
	t.Helper()
	for _, link := range linksTo(w.page(t, path), "confirm?") {
		asked, err := url.Parse("/" + link)
		require.NoError(t, err)
		if asked.Query().Get("verb") != verb {
			continue
		}
		page, form := w.page(t, asked.String()), make(url.Values)
		for _, hidden := range strings.Split(page, `<input type="hidden" name="`)[1:] {
			name, rest, _ := strings.Cut(hidden, `" value="`)
			value, _, _ := strings.Cut(rest, `"`)
			form.Set(name, strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&amp;", "&", "&#43;", "+").Replace(value))
		}
		require.Equal(t, asked.Query(), form)
		return form
	}
	require.FailNow(t, "no link", "%s does not link to %s", path, verb)
	return nil
}

// refusesStrangers sends a form as those who may not.
func (w writer) refusesStrangers(t *testing.T, form url.Values) {
	t.Helper()
	for name, edit := range strangers(w) {
		status, shown := w.do(t, form, edit)
		require.Equal(t, http.StatusForbidden, status, "%s: %s", name, shown)
	}
}

const hostileKey = "<script>alert(1)</script>\u202e"

func idOf(t *testing.T, key ...string) troupe.ID {
	t.Helper()
	id, err := troupe.NewID("room", key...)
	require.NoError(t, err)
	return id
}

// pathTo is the address of a page of the actor with the hostile key.
func pathTo(page string) string {
	return "/" + page + "?" + url.Values{"type": {"room"}, "key": {"=3Cscript=3Ealert=281=29=3C=2Fscript=3E=E2=80=AE"}}.Encode()
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	w := signIn(t, serve(t, b.Connect(), inspect.Config{Token: token}))
	box := troupe.GetOrCreate[room](b.Client, hostileKey)
	require.Contains(t, text(w.page(t, pathTo("queues"))), "No messages wait")
	for _, message := range []string{"first <i>\u202e", "second"} {
		require.NoError(t, post.Push(t.Context(), box, message))
	}
	var page string
	dead := func(want ...string) func() bool {
		return func() bool { page = w.page(t, pathTo("queues")); return containsAll(text(page), want...) }
	}
	require.Eventually(t, dead("post 0 0 2"), 20*time.Second, 20*time.Millisecond)
	for _, want := range []string{"nobody has said <b>anything</b>", `"first <i>\u202e"`, `"second"`} {
		require.Contains(t, text(page), want)
	}
	require.NotContains(t, page, "<i>")
	require.NotContains(t, page, "\u202e")
	require.NotContains(t, w.ok(t, pathTo("queues")), "confirm?", "a reader may not change anything")

	retry, drop := w.asked(t, pathTo("queues"), "retry-letter"), w.asked(t, pathTo("queues"), "drop-letter")
	w.refusesStrangers(t, retry)
	w.refusesStrangers(t, drop)
	_, err := say.Call(t.Context(), box, "hello")
	require.NoError(t, err)
	status, shown := w.do(t, retry)
	require.Equal(t, http.StatusOK, status, shown)
	require.Eventually(t, dead("post 0 0 1"), 20*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		texts, err := peek.Call(t.Context(), box, nil)
		require.NoError(t, err)
		return texts == 2
	}, 20*time.Second, 20*time.Millisecond)
	status, shown = w.do(t, retry)
	require.Equal(t, http.StatusNotFound, status, shown)
	status, shown = w.do(t, w.asked(t, pathTo("queues"), "drop-letter"))
	require.Equal(t, http.StatusOK, status, shown)
	require.Eventually(t, dead("No messages wait"), 20*time.Second, 20*time.Millisecond)
}

func TestWorkflowAndSchedule(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	w := signIn(t, serve(t, b.Connect(), inspect.Config{Token: token}))
	site := troupe.GetOrCreate[room](b.Client, hostileKey)
	_, err := remind.Call(t.Context(), site, nil)
	require.NoError(t, err)
	require.NoError(t, build.Start(t.Context(), site, "house"))
	shows := func(want ...string) {
		t.Helper()
		require.Eventually(t, func() bool { return containsAll(text(w.page(t, pathTo("actor"))), want...) }, 10*time.Second, 20*time.Millisecond)
	}
	shows("Workflow build waiting", "greeting")
	require.NotContains(t, w.ok(t, pathTo("actor")), "confirm?")

	run := w.asked(t, pathTo("actor"), "run-schedule")
	require.Equal(t, "greeting", run.Get("name"))
	w.refusesStrangers(t, run)
	status, shown := w.do(t, run)
	require.Equal(t, http.StatusOK, status, shown)
	shows(`"Texts": [ "hello" ]`)
	run.Set("name", "nothing")
	status, shown = w.do(t, run)
	require.Equal(t, http.StatusNotFound, status, shown)

	w.refusesStrangers(t, w.asked(t, pathTo("actor"), "retry-workflow"))
	status, shown = w.do(t, w.asked(t, pathTo("actor"), "retry-workflow"))
	require.Equal(t, http.StatusOK, status, shown)
	cancel := w.asked(t, pathTo("actor"), "cancel-workflow")
	cancel.Set("reason", "too <b>late")
	w.refusesStrangers(t, cancel)
	status, shown = w.do(t, cancel)
	require.Equal(t, http.StatusOK, status, shown)
	shows("Workflow build canceled", "too <b>late")
	status, shown = w.do(t, cancel)
	require.Equal(t, http.StatusConflict, status, shown)
	require.Contains(t, shown, "was canceled already")
	require.NotContains(t, w.page(t, pathTo("actor")), "cancel-workflow")
}

func TestHistoryOfAnActor(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	nc := b.Connect()
	pages := serve(t, nc, inspect.Config{})
	answer, body := pages.get(t, pathTo("history"))
	require.Equal(t, http.StatusNotFound, answer.StatusCode, body)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.FindRecords(t.Context(), nc, ns)
	require.NoError(t, err)
	require.NoError(t, records.Keep(t.Context(), 5))
	require.NoError(t, records.Close())
	diary := troupe.GetOrCreate[room](b.Client, hostileKey)
	for _, line := range []string{"first", "</pre><script>alert(2)</script>"} {
		_, err := say.Call(t.Context(), diary, line)
		require.NoError(t, err)
		require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: idOf(t, hostileKey), Action: troupe.SleepAction}))
	}
	page := pages.ok(t, pathTo("history"))
	require.NotContains(t, page, "<script>alert")
	shown := text(page)
	require.Contains(t, shown, "5 of each actor are kept")
	newer, older := strings.Index(shown, `[ "first", "</pre>`), strings.LastIndex(shown, `[ "first" ]`)
	require.Positive(t, newer, shown)
	require.Greater(t, older, newer, "the newest comes first: %s", shown)
	require.Contains(t, shown, "waking")
}

func TestConnectionsOfAnActor(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	hall := troupe.GetOrCreate[room](b.Client, hostileKey)
	for range 30 {
		conn, err := enter.Connect(t.Context(), hall, "ann")
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close(t.Context())) }()
	}
	page := pages.ok(t, pathTo("actor"))
	require.Contains(t, text(page), "Connections 30")
	require.Regexp(t, "30 [^_]* _INBOX 29 [^_]* _INBOX", text(page))
	require.Equal(t, 20, strings.Count(text(page), "_INBOX"), "only the newest")
	require.NotContains(t, page, "_INBOX.", "who knows an inbox can write to it")
}

package inspect_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
)

func TestHost(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.HostWith(actorhost.Config{Name: "<b>\u202eone"}, rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	lobby := troupe.GetOrCreate[room](b.Client, "lobby")
	_, err := say.Call(t.Context(), lobby, "hello")
	require.NoError(t, err)
	_, err = fail.Call(t.Context(), lobby, nil)
	require.Error(t, err)
	_, err = refuse.Call(t.Context(), lobby, nil)
	require.Error(t, err)
	hanging(t, b, "stuck")
	require.Equal(t, []string{"host?id=" + host.ID()}, linksTo(pages.ok(t, "/"), "host?"))
	path := "/host?id=" + host.ID()
	var page string
	require.Eventually(t, func() bool {
		page = pages.ok(t, path)
		return containsAll(text(page), "room/stuck action hang", "Awake 2 actors", "room say", "room fail", "room refuse")
	}, 10*time.Second, 50*time.Millisecond)
	require.Contains(t, page, `href="actor?key=stuck&amp;type=room&amp;stack="`)
	require.NotContains(t, page, "<b>\u202e")
	for _, want := range []string{
		`<b>\u202eone`, "Version", "Program", "room 2", "room/lobby action fail internal : ", "room/lobby action refuse full : the room is full",
	} {
		require.Contains(t, text(page), want)
	}
	require.NotContains(t, text(page), "Not known")
	require.NotContains(t, page, "confirm?", "nobody may change anything")

	b.Kill(host)
	require.Eventually(t, func() bool { return containsAll(pages.ok(t, path), "the host does not reply") }, 10*time.Second, 50*time.Millisecond)
	for path, status := range map[string]int{
		"/host": http.StatusNotFound, "/host?id=%3Cscript%3E": http.StatusNotFound,
		"/confirm?verb=drain&host=" + host.ID(): http.StatusForbidden,
	} {
		answer, body := pages.get(t, path)
		require.Equal(t, status, answer.StatusCode, "%s: %s", path, text(body))
		require.NotContains(t, body, "<script>")
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(rooms(t))
	w := signIn(t, serve(t, b.Connect(), inspect.Config{Token: token}))
	drain := values("verb", "drain", "host", host.ID())
	for name, edit := range strangers(w) {
		status, shown := w.do(t, drain, edit)
		require.GreaterOrEqual(t, status, http.StatusBadRequest, "%s: %s", name, shown)
	}
	status, shown := w.do(t, values("verb", "drain", "host", "nobody"))
	require.Equal(t, http.StatusNotFound, status, shown)
	require.Contains(t, w.page(t, "/host?id="+host.ID()), "confirm?verb=drain&amp;host="+host.ID())
	asks := w.page(t, "/confirm?verb=drain&host="+host.ID())
	require.Contains(t, asks, "Drain this host?")
	require.Contains(t, asks, `name="host" value="`+host.ID()+`"`)
	select {
	case <-host.Done():
		t.Fatal("it was only asked about")
	default:
	}
	status, shown = w.do(t, drain)
	require.Equal(t, http.StatusOK, status, shown)
	<-host.Done()
	answer, body := w.get(t, "/confirm?verb=rm&host="+host.ID(), func(r *http.Request) { r.AddCookie(w.cookie) })
	require.Equal(t, http.StatusBadRequest, answer.StatusCode, body)
}

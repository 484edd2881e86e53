package inspect_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
)

const token = "a token of these tests"

// writer is a browser that may change things.
type writer struct {
	site

	cookie *http.Cookie
}

// signIn comes with the token, as somebody does who opens the address that troupe inspect prints.
func signIn(t *testing.T, s site) writer {
	t.Helper()
	answer, _ := s.get(t, "/?token="+url.QueryEscape(token))
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Equal(t, "./", answer.Header.Get("Location"), "the token does not stay in the address")
	cookies := (&http.Response{Header: answer.Header}).Cookies()
	require.Len(t, cookies, 1)
	require.True(t, cookies[0].HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookies[0].SameSite)
	return writer{s, cookies[0]}
}

// page is the body of a page that is there.
func (w writer) page(t *testing.T, path string) string {
	t.Helper()
	answer, body := w.get(t, path, func(r *http.Request) { r.AddCookie(w.cookie) })
	require.Equal(t, http.StatusOK, answer.StatusCode, text(body))
	return body
}

// field gets a page and returns the value of a hidden field of it.
func (w writer) field(t *testing.T, path, name string) string {
	t.Helper()
	body := w.page(t, path)
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(body)
	require.NotNil(t, found, "%s has no field %s", path, name)
	return found[1]
}

// do sends a form.
func (w writer) do(t *testing.T, form url.Values, edit ...func(*http.Request)) (status int, shown string) {
	t.Helper()
	answer, body := w.get(t, "/do", append([]func(*http.Request){func(r *http.Request) {
		r.Method, r.Body = http.MethodPost, io.NopCloser(strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", w.url)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.AddCookie(w.cookie)
	}}, edit...)...)
	return answer.StatusCode, text(body)
}

func values(pairs ...string) url.Values {
	form := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// strangers are requests that change nothing: who sends them has no token, or is a page of somebody else.
func strangers(w writer) map[string]func(*http.Request) {
	return map[string]func(*http.Request){
		"no cookie":        func(r *http.Request) { r.Header.Del("Cookie") },
		"another cookie":   func(r *http.Request) { r.Header.Set("Cookie", w.cookie.Name+"="+token+"x") },
		"an empty cookie":  func(r *http.Request) { r.Header.Set("Cookie", w.cookie.Name+"=") },
		"another origin":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another port":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"an older browser": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://evil.example") },
	}
}

func TestChangesAreRefusedToStrangers(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	w := signIn(t, serve(t, b.Connect(), inspect.Config{Token: token}))
	call := values("verb", "call", "type", "room", "key", "hall", "action", "say", "input", `"hi"`, "request", "r")
	for name, edit := range strangers(w) {
		status, shown := w.do(t, call, edit)
		require.Equal(t, http.StatusForbidden, status, "%s: %s", name, shown)
	}
	for name, one := range map[string]struct {
		edit   func(*http.Request)
		status int
	}{
		"another name":    {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		"by address":      {func(r *http.Request) { r.Method, r.URL.RawQuery = http.MethodGet, call.Encode() }, http.StatusMethodNotAllowed},
		"to another path": {func(r *http.Request) { r.URL.Path = "/actor" }, http.StatusMethodNotAllowed},
	} {
		status, shown := w.do(t, call, one.edit)
		require.Equal(t, one.status, status, "%s: %s", name, shown)
	}
	answer, _ := w.get(t, "/?token=not+the+token+of+it")
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
	answer, _ = w.get(t, "/act?type=room&key=hall")
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
	readOnly := writer{serve(t, b.Connect(), inspect.Config{}), w.cookie}
	status, _ := readOnly.do(t, call)
	require.Equal(t, http.StatusMethodNotAllowed, status)

	texts, err := say.Call(t.Context(), troupe.GetOrCreate[room](b.Client, "hall"), "first")
	require.NoError(t, err)
	require.Equal(t, 1, texts, "nothing of all that has run")
	_, err = inspect.New(b.Connect(), inspect.Config{Token: "short"})
	require.Error(t, err)
}

func TestChanges(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	w := signIn(t, serve(t, b.Connect(), inspect.Config{Token: token}))
	hall := troupe.GetOrCreate[room](b.Client, "hall")
	const path = "/act?type=room&key=hall"
	with := func(pairs ...string) url.Values {
		return values(append([]string{"type", "room", "key", "hall"}, pairs...)...)
	}

	body := w.page(t, path)
	for _, action := range []string{"say", "peek", "refuse"} {
		require.Contains(t, body, `<option value="`+action+`">`)
	}
	require.Contains(t, body, "<dt>paint</dt><dd><code>Coat</code></dd>")
	require.Contains(t, body, "<dt>Coat</dt><dd><code>{ Colour: string; }</code></dd>")
	require.NotContains(t, body, `<option value="Coat">`)
	// The form of one page is one call, however often it is sent.
	call := with("verb", "call", "action", "say", "input", `"hi"`, "request", w.field(t, path, "request"))
	for range 3 {
		status, shown := w.do(t, call)
		require.Equal(t, http.StatusOK, status, shown)
		require.Contains(t, shown, "say 1")
	}
	for name, one := range map[string]struct {
		form   url.Values
		status int
		shown  string
	}{
		"refused":       {with("verb", "call", "action", "refuse", "request", "a"), http.StatusUnprocessableEntity, "the room is full"},
		"no JSON":       {with("verb", "call", "action", "say", "input", "hi", "request", "b"), http.StatusBadRequest, "no JSON"},
		"no request":    {with("verb", "call", "action", "say", "input", `"hi"`), http.StatusBadRequest, "request id"},
		"bad action":    {with("verb", "call", "action", "s.y", "request", "c"), http.StatusBadRequest, "action"},
		"bad key":       {values("verb", "call", "type", "room", "key", "a//b", "action", "say", "request", "d"), http.StatusBadRequest, "key"},
		"another call":  {with("verb", "call", "action", "say", "input", `"ho"`, "request", call.Get("request")), http.StatusConflict, "another call"},
		"too large":     {with("verb", "call", "state", strings.Repeat("x", 4<<20)), http.StatusRequestEntityTooLarge, "too large"},
		"no such verb":  {with("verb", "drop"), http.StatusBadRequest, "no such change"},
		"not confirmed": {with("verb", "destroy"), http.StatusBadRequest, "confirmed"},
	} {
		status, shown := w.do(t, one.form)
		require.Equal(t, one.status, status, "%s: %s", name, shown)
		require.Contains(t, shown, one.shown, name)
	}

	was := w.field(t, path, "was")
	status, shown := w.do(t, with("verb", "state", "was", was, "state", `{"Texts":["edited"],"Colour":"red"}`))
	require.Equal(t, http.StatusBadRequest, status, shown)
	require.Contains(t, shown, ".Colour")
	status, shown = w.do(t, with("verb", "state", "was", was, "state", `{"Texts":["edited","\u0000\u202e"]}`))
	require.Equal(t, http.StatusOK, status, shown)
	texts, err := say.Call(t.Context(), hall, "after")
	require.NoError(t, err)
	require.Equal(t, 3, texts)
	status, shown = w.do(t, with("verb", "state", "was", was, "state", `{"Texts":[]}`))
	require.Equal(t, http.StatusConflict, status, shown)
	require.Contains(t, shown, "has changed")

	_, err = say.Call(t.Context(), hall, "awake again")
	require.NoError(t, err)
	status, shown = w.do(t, with("verb", "sleep"))
	require.Equal(t, http.StatusOK, status, shown)
	status, shown = w.do(t, with("verb", "sleep"))
	require.Equal(t, http.StatusNotFound, status, shown)
	status, shown = w.do(t, with("verb", "destroy", "confirm", "yes"))
	require.Equal(t, http.StatusOK, status, shown)
	texts, err = say.Call(t.Context(), hall, "anew")
	require.NoError(t, err)
	require.Equal(t, 1, texts)
}

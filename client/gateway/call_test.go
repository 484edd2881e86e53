package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
)

func TestCalls(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{Intercept: traced}, newRooms().define())
	s := open(t, b, gateway.Config{})
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, test := range []struct {
		name, path, body string
		pairs            []string
		status           int
		want             string // JSON of the body, or a part of the message
	}{
		{"output", "/room/org1/lobby/say", `"hello"`, nil, 200, `1`},
		{"again", "/room/org1/lobby/say", ` "hello" `, nil, 200, `2`},
		{"no input", "/room/org1/lobby/count", "", nil, 200, `2`},
		{"blank input", "/room/org1/lobby/count", "\n", nil, 200, `2`},
		{"no output", "/room/org1/lobby/empty", "", nil, 204, ``},
		{"no key", "/room/count", "", nil, 200, `0`},
		{"large number", "/room/a/echo", `{"n":12345678901234567890,"z":[1e2,null]}`, nil, 200, `{"n":12345678901234567890,"z":[100,null]}`},
		{"UTF-8", "/room/a/echo", `"<שלום>"`, nil, 200, `"<שלום>"`},
		{"trace", "/room/a/trace", ``, []string{"traceparent", traceparent}, 200, `"` + traceparent + `"`},
		{"existing", "/room/new/count", ``, []string{"Troupe-Existing", "1"}, 404, "there is no actor"},
		{"existing 0", "/room/new/count", ``, []string{"Troupe-Existing", "0"}, 200, `0`},
		{"wrong input", "/room/a/say", `5`, nil, 400, "expected string"},
		{"no JSON", "/room/a/say", `hello`, nil, 400, "not JSON"},
		{"no UTF-8", "/room/a/say", "\"\xff\"", nil, 400, "not UTF-8"},
		{"form", "/room/a/say", `"x"`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "curl --json"},
		{"msgpack", "/room/a/say", "\x80", []string{"Content-Type", "application/msgpack"}, 415, "curl --json"},
		{"gzip", "/room/a/say", "\x1f\x8b", []string{"Content-Encoding", "gzip"}, 415, "without Content-Encoding"},
		{"identity", "/room/a/echo", `1`, []string{"Content-Encoding", "identity"}, 200, "1"},
		{"unknown type", "/ballroom/a/say", `"x"`, nil, 404, "serve room"},
		{"unknown action", "/room/a/sing", `"x"`, nil, 404, "count, echo"},
		{"bad type", "/ro.om/a/say", `"x"`, nil, 400, "no name"},
		{"internal action", "/room/a/_notice", `{}`, nil, 404, "not for callers"},
		{"connect", "/room/a/_connect", ``, nil, 404, "not for callers"},
		{"one segment", "/room", ``, nil, 404, "POST /TYPE/KEY/ACTION"},
		{"root", "/", ``, nil, 404, "POST /TYPE/KEY/ACTION"},
		{"empty part", "/room//say", `"x"`, nil, 400, "?key="},
		{"trailing slash", "/room/a/say/", `"x"`, nil, 400, "empty segment"},
		{"two keys", "/room/a/say?key=b", `"x"`, nil, 400, "use one"},
		{"misspelt query", "/room/say?Key=b", `"x"`, nil, 400, `"Key"`},
		{"malformed query", "/room/say?key=%zz", `"x"`, nil, 400, "query"},
		{"long key", "/room/" + strings.Repeat("k", 1025) + "/say", `"x"`, nil, 400, "1025 bytes"},
		{"many parts", "/room" + strings.Repeat("/k", 17) + "/say", `"x"`, nil, 400, "17 parts"},
		{"timeout", "/room/a/count", ``, []string{"Troupe-Timeout", "soon"}, 400, "Troupe-Timeout"},
		{"two timeouts", "/room/a/count", ``, []string{"Troupe-Timeout", "1000", "Troupe-Timeout", "1000"}, 400, "once"},
		{"no time", "/room/a/count", ``, []string{"Troupe-Timeout", "0"}, 408, "time"},
		{"empty idempotency key", "/room/a/count", ``, []string{"Idempotency-Key", `""`}, 400, "Idempotency-Key"},
		{"long idempotency key", "/room/a/count", ``, []string{"Idempotency-Key", strings.Repeat("x", 257)}, 400, "256 bytes"},
		{"destroy", "/room/new/_destroy", ``, nil, 204, ``},
	} {
		pairs := test.pairs
		if len(pairs) == 0 || pairs[0] != "Content-Type" {
			pairs = append([]string{"Content-Type", "application/json"}, pairs...)
		}
		got := s.do(t.Context(), http.MethodPost, test.path, test.body, pairs...)
		require.Equal(t, test.status, got.status, "%s: %s", test.name, got.body)
		require.NotEmpty(t, got.Get("X-Request-ID"), test.name)
		require.Equal(t, "no-store", got.Get("Cache-Control"), test.name)
		switch test.status {
		case http.StatusOK:
			require.JSONEq(t, test.want, got.body, test.name)
			require.Equal(t, "application/json", got.Get("Content-Type"), test.name)
			require.NotContains(t, got.body, `\u003c`, test.name)
		case http.StatusNoContent:
			require.Empty(t, got.body, test.name)
		default:
			require.Contains(t, got.failed(t).Message, test.want, test.name)
		}
	}
}

// TestKeys reaches actors whose keys are whatever a stranger can think of, by the path and by the query.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{})
	for _, key := range [][]string{
		nil, {""}, {"", ""}, {"."}, {".."}, {"a", "..", "b"}, {"a/b"}, {"<script>alert(1)</script>"}, {"a\x00b"}, {"\u202egnp.exe"}, {"\xff\xfe"},
		{"שלום"}, {`"'&<>`}, {"a b?c=d&e#f%g+h"}, {strings.Repeat("k", 1024)}, {"=2F"}, {"="}, {"key"}, {"a", "b", "c"},
	} {
		actor := troupe.GetOrCreate[room](b.Client, key...)
		_, err := say.Call(t.Context(), actor, "one")
		require.NoError(t, err)
		query := url.Values{"key": key}.Encode()
		got := s.post("/room/count?"+query, "")
		require.Equal(t, "1", got.body, "%q", key)
		path, dots := "", false
		for _, part := range key {
			path += "/" + strings.ReplaceAll(url.PathEscape(part), ".", "%2E")
			dots = dots || part == ""
		}
		if !dots {
			require.Equal(t, "1", s.post("/room"+path+"/count", "").body, "%q", key)
		}
	}
}

// TestEveryCodeHasItsStatus has an actor return each error, and compares the status with the table of docs/gateway.md.
func TestEveryCodeHasItsStatus(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{})
	page, err := os.ReadFile("../../docs/gateway.md")
	require.NoError(t, err)
	documented := make(map[string]int)
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d{3}) \\| (`.*?) \\|").FindAllStringSubmatch(string(page), -1) {
		status, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		for code := range strings.SplitSeq(row[2], ", ") {
			documented[strings.Trim(code, "`")] = status
		}
	}
	for _, code := range []*troupe.Error{
		troupe.ErrInternal, troupe.ErrBadInput, troupe.ErrDenied, troupe.ErrUnknownType, troupe.ErrUnknownAction, troupe.ErrNotFound,
		troupe.ErrAlreadyExists, troupe.ErrTooLarge, troupe.ErrDeadlineExceeded, troupe.ErrCanceled, troupe.ErrCallCycle,
		troupe.ErrChainTooLong, troupe.ErrOverloaded, troupe.ErrUnavailable, troupe.ErrOutcomeUnknown, troupe.ErrRequestReused,
		troupe.ErrAnswerLost, troupe.ErrDisconnected, troupe.ErrUnfinished, troupe.ErrTimedOut, troupe.ErrStateCorrupt,
	} {
		name := string(code.Code)
		got := s.post("/room/a/fail", `{"Code":"`+name+`"}`)
		require.Equal(t, documented[name], got.status, "%s: %s", name, got.body)
		body := got.failed(t)
		require.Equal(t, name, body.Code)
		require.True(t, strings.HasPrefix(body.Message, "on <purpose>\n"), body.Message)
		require.Equal(t, map[string]any{"left": 3.0}, body.Metadata)
		require.False(t, body.FromActor)
		require.Empty(t, got.Get("Retry-After"), "nobody says that nothing has run")
		got = s.post("/room/a/fail", `{"Code":"`+name+`","FromActor":true}`)
		require.Equal(t, http.StatusUnprocessableEntity, got.status, "%s: %s", name, got.body)
		require.True(t, got.failed(t).FromActor)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s, other := open(t, b, gateway.Config{}), open(t, b, gateway.Config{})
	for _, one := range []site{s, other, s} { // gateways have nothing in common
		for _, key := range []string{"order-17", `"order-17"`} {
			require.Equal(t, "1", one.post("/room/a/say", `"hello"`, "Idempotency-Key", key).body)
		}
	}
	require.Equal(t, "2", s.post("/room/a/say", `"hello"`, "Idempotency-Key", "order-18").body)
	got := s.post("/room/a/say", `"other"`, "Idempotency-Key", "order-17")
	require.Equal(t, http.StatusConflict, got.status)
	require.Equal(t, "request_reused", got.failed(t).Code)
	n, err := say.Call(troupe.WithRequestID(t.Context(), "order-17"), troupe.GetOrCreate[room](b.Client, "a"), "hello")
	require.NoError(t, err)
	require.Equal(t, 1, n, "it is the id of the call for programs too")
	require.Equal(t, "mine", s.post("/room/a/count", ``, "X-Request-ID", "mine").Get("X-Request-ID"))
	require.NotEqual(t, "a b", s.post("/room/a/count", ``, "X-Request-ID", "a b").Get("X-Request-ID"))
}

// start calls an action, and returns how to give up, and what tells that the call is over.
func (s site) start(path, body string) (giveUp func(), over <-chan reply) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan reply, 1)
	go func() {
		defer close(done)
		answer, err := s.web.Do(s.request(ctx, http.MethodPost, path, body, "Content-Type", "application/json"))
		if err != nil {
			return
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		done <- reply{answer.Header, answer.StatusCode, string(text)}
	}()
	s.t.Cleanup(func() { cancel(); <-done })
	return cancel, done
}

// TestCallerThatGoesAway gives up a call: its actor hears of it.
func TestCallerThatGoesAway(t *testing.T) {
	t.Parallel()
	all := newRooms()
	b := hosttest.Start(t, all.define())
	s := open(t, b, gateway.Config{})
	giveUp, _ := s.start("/room/a/hang", "")
	<-all.hangs
	giveUp()
	<-all.ended
}

const patience, tick = 10 * time.Second, 5 * time.Millisecond

func TestBodiesAndLimits(t *testing.T) {
	t.Parallel()
	all := newRooms()
	b := hosttest.Start(t, all.define())
	s := open(t, b, gateway.Config{Calls: 4})
	got := s.post("/room/a/echo", `"`+strings.Repeat("x", 1<<20)+`"`)
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status, got.body)
	got = s.post("/room/a/echo", `"`+strings.Repeat("x", 1<<20-100)+`"`)
	require.Equal(t, "too_large", got.failed(t).Code)
	_, over := s.start("/room/a/hang", "")
	<-all.hangs
	got = s.post("/room/b/count", "") // a quarter of four is one
	require.Equal(t, http.StatusTooManyRequests, got.status, got.body)
	require.Equal(t, "1", got.Get("Retry-After"))
	close(all.goOn)
	require.Equal(t, http.StatusNoContent, (<-over).status)
	require.Equal(t, http.StatusOK, s.post("/room/b/count", "").status)
}

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
)

func quoted(text string) string { return fmt.Sprintf("%q", text) }

func TestLiveEvents(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{})
	one, both := s.listen("/room/org1/a/said"), s.listen("/room/said,odd?key=org1&key=a")
	require.Equal(t, "said:0.0", one.begun())
	require.Equal(t, "odd:0.0,said:0.0", both.begun())
	for i, text := range []string{"hello", "line\nend", "<b>&שלום\u2028"} {
		s.post("/room/org1/a/say", mustJSON(t, text))
		id := one.want("said", mustJSON(t, text))
		require.Regexp(t, fmt.Sprintf(`^said:\d+\.%d$`, i+1), id)
	}
	seen := make(map[string]int)
	for range 6 {
		h, ok := both.next()
		require.True(t, ok)
		seen[h.event]++
		if h.event == "odd" {
			require.Equal(t, "null", h.data)
		}
	}
	require.Equal(t, map[string]int{"said": 3, "odd": 3}, seen)
	require.NoError(t, b.Connect().Publish("troupe.event.room.org1.a.said", []byte("\xc7\x01\x42x"))) // of no host, and no JSON
	one.want("_error", `{"event":"said","message":"unknown extension type 66"}`)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// TestDurableEventsGoOn has a listener come again and again, and miss nothing.
func TestDurableEventsGoOn(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{})
	id, sent := "noted:0.0", 0
	for range 4 {
		e := s.listen("/room/a/noted", "Last-Event-ID", id)
		for range 3 {
			sent++
			require.Equal(t, http.StatusNoContent, s.post("/room/a/note", quoted(fmt.Sprint(sent))).status)
			id = e.want("noted", quoted(fmt.Sprint(sent)))
		}
		e.close()
		for range 2 { // while nobody listens
			sent++
			require.Equal(t, http.StatusNoContent, s.post("/room/a/note", quoted(fmt.Sprint(sent))).status)
		}
		e = s.listen("/room/a/noted?from=" + id)
		for i := range 2 {
			id = e.want("noted", quoted(fmt.Sprint(sent-1+i)))
		}
		e.close()
	}
	e := s.listen("/room/a/noted?from=noted:0.0")
	for i := range sent {
		e.want("noted", quoted(fmt.Sprint(i+1)))
	}
}

// TestLiveEventsThatWereMissed tells a listener who comes again how many.
func TestLiveEventsThatWereMissed(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{})
	e := s.listen("/room/a/said")
	e.begun()
	s.post("/room/a/say", `"1"`)
	id := e.want("said", `"1"`)
	e.close()
	e = s.listen("/room/a/said", "Last-Event-ID", id) // nothing was missed
	require.Equal(t, id, e.begun())
	s.post("/room/a/say", `"2"`)
	id = e.want("said", `"2"`)
	e.close()
	s.post("/room/a/say", `"3"`)
	s.post("/room/a/say", `"4"`)
	for _, next := range []bool{true, false} { // an event tells, or time
		e = s.listen("/room/a/said", "Last-Event-ID", id)
		e.begun()
		if next {
			s.post("/room/a/say", `"5"`)
		}
		h, ok := e.next()
		require.True(t, ok)
		require.Equal(t, "_gap", h.event)
		var gap struct {
			Event, After, Before string
			Missed               int
			Exact                bool
		}
		require.NoError(t, json.Unmarshal([]byte(h.data), &gap))
		require.Equal(t, "said", gap.Event)
		require.Equal(t, strings.TrimPrefix(id, "said:"), gap.After)
		require.True(t, gap.Exact)
		if next {
			require.Equal(t, 2, gap.Missed)
			e.want("said", `"5"`)
		} else {
			require.Equal(t, 3, gap.Missed)
			require.Regexp(t, `^said:\d+\.5$`, h.id)
		}
		e.close()
	}
	require.Equal(t, http.StatusNoContent, s.post("/room/a/_destroy", "").status)
	s.post("/room/a/say", `"anew"`)
	e = s.listen("/room/a/said", "Last-Event-ID", id)
	h, ok := e.next()
	for ; ok && h.event == ""; h, ok = e.next() {
		continue
	}
	require.Equal(t, "_gap", h.event, "the actor is another one: %s", h.data)
}

// TestStreamHealsItself has the gateway lose its connection to NATS: durable events that it has not heard come from the log.
func TestStreamHealsItself(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	nc := b.Connect()
	s := open(t, b, gateway.Config{Anonymous: true, Connect: func(context.Context, gateway.Credentials) (*nats.Conn, error) { return nc, nil }})
	e := s.listen("/room/a/noted")
	e.begun()
	room := troupe.GetOrCreate[room](b.Client, "a")
	for i := range 30 {
		if i%10 == 5 {
			require.NoError(t, nc.ForceReconnect())
		}
		_, err := note.Call(t.Context(), room, fmt.Sprint(i))
		require.NoError(t, err)
	}
	for i := range 30 {
		e.want("noted", quoted(fmt.Sprint(i)))
	}
}

func TestStreamsThatCannotBe(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{Streams: 4})
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/ballroom/a/said":                              {404, "serve room"},
		"/room/a/said,said":                             {400, "different"},
		"/room/a/a,b,c,d,e,f,g,h,i":                     {400, "8 different"},
		"/room/a/said,":                                 {400, "no name"},
		"/room/a/*":                                     {400, "no name"},
		"/room/a/said?from=x":                           {400, "id of an event"},
		"/room/a/said?from=said:1":                      {400, "id of an event"},
		"/room/a/said?from=said:1.18446744073709551616": {400, "id of an event"},
		"/room/a/said?from=said:1.1,said:1.2":           {400, "id of an event"},
		"/room":                                         {404, "GET /TYPE/KEY/EVENT"},
	} {
		got := s.do(t.Context(), http.MethodGet, path, "")
		require.Equal(t, want.status, got.status, "%s: %s", path, got.body)
		require.Contains(t, got.failed(t).Message, want.text, path)
	}
	e := s.listen("/room/a/said")
	e.begun()
	got := s.do(t.Context(), http.MethodGet, "/room/a/said", "") // a quarter of four is one
	require.Equal(t, http.StatusTooManyRequests, got.status)
	e.close()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		answer, err := s.web.Do(s.request(ctx, http.MethodGet, "/room/a/said", ""))
		require.NoError(t, err)
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, patience, tick)
}

// TestEndOfTheGateway tells those who listen, and refuses others.
func TestEndOfTheGateway(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{})
	e := s.listen("/room/a/said")
	e.begun()
	require.NoError(t, s.gate.Close(t.Context()))
	e.want("_end", `{"code":"unavailable","message":"the gateway stops","retryable":true}`)
	_, ok := e.next()
	require.False(t, ok)
	require.Equal(t, http.StatusServiceUnavailable, s.post("/room/a/count", "").status)
}

// slowWriter is a caller that takes nothing until it is told to.
type slowWriter struct {
	*httptest.ResponseRecorder

	blocked chan struct{} // the gateway waits
	goOn    chan struct{}
	once    sync.Once
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("event: said")) {
		w.once.Do(func() { close(w.blocked) })
		<-w.goOn
	}
	return w.ResponseRecorder.Write(p)
}

// TestListenerThatIsSlow ends, and is told, and holds up nobody.
func TestListenerThatIsSlow(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newRooms().define())
	s := open(t, b, gateway.Config{})
	quick := s.listen("/room/a/said")
	quick.begun()
	slow := &slowWriter{ResponseRecorder: httptest.NewRecorder(), blocked: make(chan struct{}), goOn: make(chan struct{})}
	over := make(chan struct{})
	request := s.request(t.Context(), http.MethodGet, "/room/a/said", "", "Host", "localhost")
	go func() { defer close(over); s.gate.ServeHTTP(slow, request) }()
	room := troupe.GetOrCreate[room](b.Client, "a")
	begun := false
	for i := range 1500 {
		_, err := say.Call(t.Context(), room, "x")
		require.NoError(t, err)
		quick.want("said", `"x"`)
		if !begun { // it has subscribed once it gets something
			select {
			case <-slow.blocked:
				begun = true
			case <-time.After(time.Millisecond):
				require.Less(t, i, 300)
			}
		}
	}
	close(slow.goOn)
	<-over
	body := slow.Body.String()
	require.Contains(t, body, "event: _end\ndata: {\"code\":\"overloaded\"")
	require.LessOrEqual(t, strings.Count(body, "event: said"), 1100)
}

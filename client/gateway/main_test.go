package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// room is the actor type of these tests.
type room struct{ troupe.Ref }

func (room) ActorType() string { return "room" }

type failure struct {
	Code      troupe.Code
	FromActor bool
	Retryable bool
}

var (
	say   = troupe.NewAction[room, string, int]("say")
	count = troupe.NewAction[room, troupe.None, int]("count")
	empty = troupe.NewAction[room, troupe.None, troupe.None]("empty")
	echo  = troupe.NewAction[room, any, any]("echo")
	fail  = troupe.NewAction[room, failure, troupe.None]("fail")
	hang  = troupe.NewAction[room, troupe.None, troupe.None]("hang")
	trace = troupe.NewAction[room, troupe.None, string]("trace")
	said  = troupe.NewEvent[room, string]("said")
	odd   = troupe.NewEvent[room, troupe.None]("odd")
	noted = troupe.NewDurableEvent[room, string]("noted")
	note  = troupe.NewAction[room, string, troupe.None]("note")
)

type roomState struct {
	Said []string
}

type rooms struct {
	hangs chan struct{} // an action hangs
	goOn  chan struct{} // closed: none does
	ended chan struct{} // one was given up
}

func newRooms() *rooms {
	return &rooms{hangs: make(chan struct{}, 8), goOn: make(chan struct{}), ended: make(chan struct{}, 8)}
}

func (r *rooms) define() actorhost.ActorType[room, roomState] {
	return actorhost.Define(func() roomState { return roomState{} },
		actorhost.On(say, func(s *roomState, c *actorhost.Context, text string) (int, error) {
			s.Said = append(s.Said, text)
			if err := odd.Broadcast(c, nil); len(s.Said)%2 == 1 && err != nil {
				return 0, err
			}
			return len(s.Said), said.Broadcast(c, text)
		}),
		actorhost.On(note, actorhost.NoOut(func(s *roomState, c *actorhost.Context, text string) error {
			s.Said = append(s.Said, text)
			return noted.Broadcast(c, text)
		})),
		actorhost.On(count, actorhost.NoIn(func(s *roomState, _ *actorhost.Context) (int, error) { return len(s.Said), nil })),
		actorhost.On(empty, actorhost.NoInNoOut(func(s *roomState, _ *actorhost.Context) error { s.Said = nil; return nil })),
		actorhost.On(echo, func(_ *roomState, _ *actorhost.Context, v any) (any, error) { return v, nil }),
		actorhost.On(fail, actorhost.NoOut(func(_ *roomState, _ *actorhost.Context, f failure) error {
			return &troupe.Error{Code: f.Code, Message: "on <purpose>\n", FromActor: f.FromActor, Retryable: f.Retryable,
				Metadata: map[string]any{"left": 3}}
		})),
		actorhost.On(hang, actorhost.NoInNoOut(func(_ *roomState, c *actorhost.Context) error {
			r.hangs <- struct{}{}
			select {
			case <-r.goOn:
				return nil
			case <-c.Done():
				r.ended <- struct{}{}
				return c.Err()
			}
		})),
		actorhost.On(trace, actorhost.NoIn(func(_ *roomState, c *actorhost.Context) (string, error) {
			traced, _ := c.Value(traceKey{}).(string)
			return traced, nil
		})),
	).Config(actorhost.TypeConfig{CancelWithCaller: true})
}

type traceKey struct{}

// traced is an interceptor of a host.
func traced(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
	return next(context.WithValue(ctx, traceKey{}, op.Header.Get(troupe.HeaderTraceParent)))
}

// site is a gateway on a server.
type site struct {
	t    *testing.T
	url  string
	gate *gateway.Gateway
	web  *http.Client
}

// open serves a gateway for whoever comes, on connections of the bus, unless the config says otherwise.
func open(t *testing.T, b *hosttest.Bus, config gateway.Config) site {
	t.Helper()
	if config.Connect == nil {
		config.Anonymous = true
		config.Connect = func(context.Context, gateway.Credentials) (*nats.Conn, error) { return b.Connect(), nil }
	}
	return serve(t, config)
}

func serve(t *testing.T, config gateway.Config) site {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	g, err := gateway.New(config)
	require.NoError(t, err)
	server := httptest.NewServer(g)
	transport := &http.Transport{}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, g.Close(ctx))
		transport.CloseIdleConnections()
		server.Close()
	})
	return site{t, server.URL, g, &http.Client{Transport: transport}}
}

// reply is an answer.
type reply struct {
	http.Header

	status int
	body   string
}

// failed is the error of an answer.
func (r reply) failed(t *testing.T) (body struct {
	Code, Message string
	Metadata      map[string]any
	FromActor     bool `json:"from_actor"`
	Retryable     bool
},
) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(r.body), &body), r.body)
	return body
}

// post calls an action with JSON. The pairs are headers.
func (s site) post(path, body string, pairs ...string) reply {
	return s.do(s.t.Context(), http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, pairs...)...)
}

func (s site) do(ctx context.Context, method, path, body string, pairs ...string) reply {
	s.t.Helper()
	answer, err := s.web.Do(s.request(ctx, method, path, body, pairs...))
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, answer.Body.Close()) }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	return reply{answer.Header, answer.StatusCode, strings.TrimSuffix(string(text), "\n")}
}

func (s site) request(ctx context.Context, method, path, body string, pairs ...string) *http.Request {
	s.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "Host" {
			request.Host = pairs[i+1]
		} else {
			request.Header.Add(pairs[i], pairs[i+1])
		}
	}
	return request
}

// ear listens to a stream.
type ear struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Reader
	close func()
}

// heard is one block of a stream.
type heard struct{ event, id, data string }

func (s site) listen(path string, pairs ...string) *ear {
	s.t.Helper()
	return s.hear(http.MethodGet, path, "", pairs...)
}

// read opens a stream of values.
func (s site) read(path, body string, pairs ...string) *ear {
	s.t.Helper()
	return s.hear(http.MethodPost, path, body, pairs...)
}

func (s site) hear(method, path, body string, pairs ...string) *ear {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	answer, err := s.web.Do(s.request(ctx, method, path, body, pairs...)) //nolint:bodyclose // close of the ear does
	require.NoError(s.t, err)
	e := &ear{s.t, answer.Body, bufio.NewReader(answer.Body), func() { cancel(); _ = answer.Body.Close() }}
	s.t.Cleanup(e.close)
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		require.Equal(s.t, http.StatusOK, answer.StatusCode, string(text))
	}
	require.Equal(s.t, "text/event-stream", answer.Header.Get("Content-Type"))
	return e
}

// next is the next block that is not a comment, or false at the end.
func (e *ear) next() (h heard, ok bool) {
	e.t.Helper()
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			require.True(e.t, errors.Is(err, io.EOF) || errors.Is(err, context.Canceled), "%v", err)
			return h, false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			h.event = value
		case "id":
			h.id = value
		case "data":
			h.data = value
		case "":
			if h != (heard{}) {
				return h, true
			}
		}
	}
}

// want is the next block, which must be this event.
func (e *ear) want(event, data string) (id string) {
	e.t.Helper()
	for {
		h, ok := e.next()
		require.True(e.t, ok, "the stream has ended")
		if h.event != "" {
			require.Equal(e.t, event, h.event, h.data)
			require.JSONEq(e.t, data, h.data)
			return h.id
		}
	}
}

// begun waits until the stream has begun, and returns its first id.
func (e *ear) begun() (id string) {
	e.t.Helper()
	h, ok := e.next()
	require.True(e.t, ok)
	require.Empty(e.t, h.event)
	return h.id
}

package inspect_test

import (
	"errors"
	"html"
	"io"
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
	"github.com/troupe-go/troupe/client/inspect"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// room is the actor type of these tests.
type room struct{ troupe.Ref }

func (room) ActorType() string { return "room" }

type roomState struct {
	Texts []string
}

var (
	say    = troupe.NewAction[room, string, int]("say")
	peek   = troupe.NewAction[room, troupe.None, int]("peek")
	stare  = troupe.NewAction[room, troupe.None, troupe.None]("stare")
	hang   = troupe.NewAction[room, troupe.None, troupe.None]("hang")
	refuse = troupe.NewAction[room, troupe.None, troupe.None]("refuse")
	fail   = troupe.NewAction[room, troupe.None, troupe.None]("fail")
	remind = troupe.NewAction[room, troupe.None, troupe.None]("remind")
	build  = troupe.NewWorkflow[room, string, string]("build")
	post   = troupe.NewQueue[room, string]("post")
	shout  = troupe.NewAction[room, []string, troupe.None]("shout")
	visit  = troupe.NewAction[room, []string, troupe.None]("visit")
	paint  = troupe.NewAction[room, coat, troupe.None]("paint")
	heard  = troupe.NewEvent[room, string]("heard")
	enter  = troupe.NewConnector[room, string]()
	ready  = troupe.NewSignal[room, troupe.None]("ready")
)

// coat is what paint takes.
type coat struct{ Colour string }

// rooms are rooms whose action hang runs until the test ends.
func rooms(tb testing.TB) actorhost.Definition {
	tb.Helper()
	over := tb.Context().Done()
	return actorhost.Define(func() roomState { return roomState{} },
		actorhost.On(say, func(s *roomState, _ *actorhost.Context, text string) (int, error) {
			s.Texts = append(s.Texts, text)
			return len(s.Texts), nil
		}),
		actorhost.On(peek, actorhost.NoIn(func(s *roomState, _ *actorhost.Context) (int, error) { return len(s.Texts), nil })).ReadOnly(),
		actorhost.On(stare, actorhost.NoInNoOut(func(*roomState, *actorhost.Context) error { <-over; return nil })).ReadOnly(),
		actorhost.On(hang, actorhost.NoInNoOut(func(*roomState, *actorhost.Context) error { <-over; return nil })),
		actorhost.On(refuse, actorhost.NoInNoOut(func(*roomState, *actorhost.Context) error { return troupe.NewError("full", "the room is full") })),
		actorhost.On(fail, actorhost.NoInNoOut(func(*roomState, *actorhost.Context) error { return errors.New("broken") })),
		actorhost.On(remind, actorhost.NoInNoOut(func(_ *roomState, c *actorhost.Context) error {
			_, err := say.Every(c, time.Hour, "hello", troupe.Named("greeting"))
			return err
		})),
		actorhost.OnWorkflow(build, func(w *actorhost.Flow[roomState], what string) (string, error) {
			plan, err := actorhost.Step(w, "plan", func(*actorhost.StepContext) (string, error) { return "<i>" + what + "</i>", nil })
			if err != nil {
				return "", err
			}
			_, err = actorhost.Wait(w, ready, "approval", time.Hour)
			return plan, err
		}),
		actorhost.On(paint, actorhost.NoOut(func(*roomState, *actorhost.Context, coat) error { return nil })),
		actorhost.OnSignal[room, roomState](ready),
		actorhost.OnQueue(post, func(s *roomState, _ *actorhost.Context, text string) error {
			if len(s.Texts) == 0 {
				return troupe.NewError("silent", "nobody has said <b>anything</b>")
			}
			s.Texts = append(s.Texts, text)
			return nil
		}, actorhost.Retries{Attempts: 1}),
		actorhost.On(shout, actorhost.NoOut(func(_ *roomState, c *actorhost.Context, texts []string) error {
			for _, text := range texts {
				if err := heard.Broadcast(c, text); err != nil {
					return err
				}
			}
			return nil
		})),
		actorhost.On(visit, actorhost.NoOut(func(_ *roomState, c *actorhost.Context, keys []string) error {
			for _, key := range keys {
				other := troupe.GetOrCreate[room](c, key)
				switch key { // what fails, fails on purpose
				case "failed":
					_, _ = fail.Call(c, other, nil)
				case "refused":
					_, _ = refuse.Call(c, other, nil)
				default:
					if _, err := say.Call(c, other, "hello"); err != nil {
						return err
					}
				}
			}
			return nil
		})),
		actorhost.OnConnect(enter, func(*roomState, *actorhost.Context, *actorhost.Connection, string) error { return nil }),
	)
}

// site is a server with the pages.
type site struct{ url string }

func serve(t *testing.T, nc *nats.Conn, config inspect.Config) site {
	t.Helper()
	pages, err := inspect.New(nc, config)
	require.NoError(t, err)
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	return site{server.URL}
}

// reply is the head of an answer.
type reply struct {
	StatusCode int
	Header     http.Header
}

// get asks for a page.
func (s site) get(t *testing.T, path string, edit ...func(*http.Request)) (reply, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(t, err)
	for _, change := range edit {
		change(request)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return reply{answer.StatusCode, answer.Header}, string(body)
}

// ok is the body of a page that is there.
func (s site) ok(t *testing.T, path string) string {
	t.Helper()
	answer, body := s.get(t, path)
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
	return body
}

// text is the page without markup.
func text(page string) string {
	var out strings.Builder
	for page != "" {
		plain, rest, _ := strings.Cut(page, "<")
		out.WriteString(plain + " ")
		_, page, _ = strings.Cut(rest, ">")
	}
	return html.UnescapeString(strings.Join(strings.Fields(out.String()), " "))
}

func containsAll(text string, all ...string) bool {
	for _, one := range all {
		if !strings.Contains(text, one) {
			return false
		}
	}
	return true
}

// hanging has an action run until the test ends.
func hanging(t *testing.T, b *hosttest.Bus, key ...string) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = hang.Call(t.Context(), troupe.GetOrCreate[room](b.Client, key...), nil) // nobody waits for it at the end
	}()
	t.Cleanup(func() { <-over })
}

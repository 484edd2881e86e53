package gateway_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
)

type stairs struct{ troupe.Ref }

func (stairs) ActorType() string { return "stairs" }

const landing = -1000

var climb = troupe.NewStream[stairs, int, any]("climb")

// newStairs yields the numbers up to one, or without end if that is negative, or nothing after the first if it is far below. It tells
// why the stream has ended.
func newStairs(ended chan<- error) actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.OnStream(climb, func(s *actorhost.Stream[struct{}], to int) iter.Seq2[any, error] {
			return func(yield func(any, error) bool) {
				defer func() { ended <- context.Cause(s) }()
				if to == 0 {
					yield(nil, troupe.NewError("no_stairs", "there are none"))
					return
				}
				for i := 0; i != to; i++ {
					if !yield(map[string]any{"step": i}, nil) {
						return
					}
					if to == landing {
						<-s.Done()
						return
					}
				}
				yield(nil, troupe.NewError("tired", "that is enough"))
			}
		}))
}

var ask = []string{"Accept", "application/json, text/event-stream;q=0.9", "Content-Type", "application/json"}

func TestValues(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 10)
	b := hosttest.Start(t, newStairs(ended))
	s := open(t, b, gateway.Config{})

	e := s.read("/stairs/main/climb", "2", ask...)
	e.want("value", `{"step":0}`)
	e.want("value", `{"step":1}`)
	h, ok := e.next()
	require.True(t, ok)
	require.Equal(t, "_end", h.event)
	require.Contains(t, h.data, `"tired"`)
	_, ok = e.next()
	require.False(t, ok)
	require.NoError(t, <-ended)

	refused := s.do(t.Context(), http.MethodPost, "/stairs/main/climb", "0", ask...)
	require.Equal(t, http.StatusUnprocessableEntity, refused.status)
	require.Equal(t, "no_stairs", refused.failed(t).Code, "before it has begun, it is answered like a call")
	require.NoError(t, <-ended)
	require.Equal(t, http.StatusNotFound,
		s.do(t.Context(), http.MethodPost, "/stairs/none/climb", "1", append(ask, "Troupe-Existing", "1")...).status)
	require.Equal(t, http.StatusBadRequest, s.post("/stairs/main/climb", "1").status, "it is no call")

	e = s.read("/stairs/main/climb", "-1", ask...)
	e.want("value", `{"step":0}`)
	e.close()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, troupe.ErrCanceled)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the actor does not hear that the caller is gone")
	}
}

// TestValuesAndTheEndOfTheGateway tells those who read.
func TestValuesAndTheEndOfTheGateway(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := open(t, hosttest.Start(t, newStairs(ended)), gateway.Config{})
	e := s.read("/stairs/main/climb", fmt.Sprint(landing), ask...)
	e.want("value", `{"step":0}`)
	require.NoError(t, s.gate.Close(t.Context()))
	e.want("_end", `{"code":"unavailable","message":"the gateway stops","retryable":true}`)
	require.Error(t, <-ended)
}

// TestValuesAndUserWhoMayNoLonger tells a reader who is let in no more, while nothing comes.
func TestValuesAndUserWhoMayNoLonger(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := secure(t, gateway.Config{}, newStairs(ended))
	e := s.read("/stairs/main/climb", fmt.Sprint(landing), append(as("bob", password), ask...)...)
	e.want("value", `{"step":0}`)
	s.change(t, "bob")
	h, ok := e.next()
	require.True(t, ok)
	require.Equal(t, "_end", h.event)
	require.Contains(t, h.data, `"unauthenticated"`)
	require.Error(t, <-ended)
}

// TestValuesAndBeats passes time: the stream of an actor that says nothing is kept alive.
func TestValuesAndBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		b := hosttest.Start(t, newStairs(ended))
		nc := b.Connect()
		g, err := gateway.New(gateway.Config{
			Anonymous: true, Connect: func(context.Context, gateway.Credentials) (*nats.Conn, error) { return nc, nil },
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/stairs/main/climb", strings.NewReader(fmt.Sprint(landing)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream")
		over := make(chan struct{})
		go func() {
			defer close(over)
			g.ServeHTTP(w, r)
		}()
		time.Sleep(5*time.Minute + time.Second) //nolint:forbidigo // virtual time
		cancel()
		<-over
		require.ErrorIs(t, <-ended, troupe.ErrCanceled)
		require.Equal(t, 1, strings.Count(w.Body.String(), "event: value"), w.Body.String())
		require.Equal(t, 20, strings.Count(w.Body.String(), ":\n\n"), w.Body.String())
		require.NoError(t, g.Close(t.Context()))
	})
}

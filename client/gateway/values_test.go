package gateway_test

import (
	"context"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
)

type stairs struct{ troupe.Ref }

func (stairs) ActorType() string { return "stairs" }

var climb = troupe.NewStream[stairs, int, any]("climb")

// newStairs yields the numbers up to one, or without end if that is negative. It tells why the stream has ended.
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
				}
				yield(nil, troupe.NewError("tired", "that is enough"))
			}
		}))
}

func TestValues(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 10)
	b := hosttest.Start(t, newStairs(ended))
	s := open(t, b, gateway.Config{})
	ask := []string{"Accept", "application/json, text/event-stream;q=0.9", "Content-Type", "application/json"}

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

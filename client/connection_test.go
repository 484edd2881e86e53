package client_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

func (s *sea) wink(key string, n int) {
	s.t.Helper()
	_, err := wink.Call(s.t.Context(), troupe.GetOrCreate[beacon](s.near, key), n)
	require.NoError(s.t, err)
}

func TestConnectionIsToldWhatItHasMissed(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	l := make(log, 100)
	changes := make(chan troupe.StatusChange, 10)
	connection, err := aboard.Connect(t.Context(), troupe.GetOrCreate[beacon](s.far, "a"), nil,
		troupe.OnStatus(func(change troupe.StatusChange) { changes <- change }), flashed.On(l.hear, troupe.OnGap(l.gap)))
	require.NoError(t, err)
	s.flash("a", 1)
	s.wink("a", 2)
	s.flash("a", 1)
	l.expect(t, "1", "1000", "1001", "2")

	s.cut()
	require.Equal(t, troupe.StatusReconnecting, (<-changes).Status)
	s.wink("a", 3)
	s.mend()
	back := <-changes
	require.Equal(t, troupe.StatusConnected, back.Status)
	require.False(t, back.Restarted)
	l.expect(t, "gap 2-6")
	s.wink("a", 1)
	s.flash("a", 1)
	l.expect(t, "1000", "3")
	require.NoError(t, connection.Close(t.Context()))
	require.Equal(t, troupe.StatusClosed, (<-changes).Status)
}

func TestConnectionOfAnActorThatIsDestroyedEnds(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	connection, err := aboard.Connect(t.Context(), troupe.GetOrCreate[beacon](s.far, "a"), nil)
	require.NoError(t, err)
	s.wreck("a")
	<-connection.Done()
	require.ErrorIs(t, connection.Err(), troupe.ErrDisconnected)
	require.ErrorContains(t, connection.Err(), "destroyed")
	_, err = flash.Call(t.Context(), connection.Actor(), 1)
	require.ErrorIs(t, err, troupe.ErrDisconnected)
	require.NoError(t, connection.Close(t.Context()))

	_, err = aboard.Connect(t.Context(), troupe.Get[beacon](s.far, "b"), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
}

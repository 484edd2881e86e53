package bus_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

func TestOpenConnects(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{Users: []*server.User{{Username: "u", Password: "secret"}}})
	address := srv.Addr().String()
	b, err := bus.Open(t.Context(), bus.Config{URL: "u:secret@" + address})
	require.NoError(t, err)
	require.False(t, b.Embedded())
	require.Equal(t, "nats://"+address, b.URL())
	require.Empty(t, b.DataDir())
	require.NoError(t, b.Close())
	require.True(t, b.Conn().IsClosed())
	require.True(t, srv.Running())
}

func TestOpenStartsAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// Settings for a server elsewhere have no effect on an embedded one.
	b, err := bus.Open(t.Context(), bus.Config{Name: "me", Token: "t", TLSFirst: true, Server: bus.ServerConfig{DataDir: dir}})
	require.NoError(t, err)
	require.True(t, b.Embedded())
	require.Equal(t, dir, b.DataDir())
	require.Equal(t, "me", b.Conn().Opts.Name)

	other, err := bus.Open(t.Context(), bus.Config{URL: b.URL()})
	require.NoError(t, err)
	_, err = b.Conn().Subscribe("ask", func(msg *nats.Msg) { _ = msg.Respond(msg.Data) })
	require.NoError(t, err)
	require.NoError(t, b.Conn().Flush())
	reply, err := other.Conn().Request("ask", []byte("hello"), nats.DefaultTimeout)
	require.NoError(t, err)
	require.Equal(t, "hello", string(reply.Data))

	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	require.NoError(t, other.Close(), "its server is gone")
	_, err = bus.Connect(t.Context(), bus.Config{URL: b.URL()})
	require.ErrorIs(t, err, bus.ErrNoServer)
}

func TestCloseLetsMessagesBeHandled(t *testing.T) {
	t.Parallel()
	b, err := bus.Open(t.Context(), bus.Config{Server: bus.ServerConfig{Memory: true, InProcessOnly: true}})
	require.NoError(t, err)
	const sent = 100
	handled := 0
	handling := make(chan struct{})
	_, err = b.Conn().Subscribe("work", func(*nats.Msg) {
		<-handling
		handled++
	})
	require.NoError(t, err)
	for range sent {
		require.NoError(t, b.Conn().Publish("work", nil))
	}
	require.NoError(t, b.Conn().Flush())
	close(handling)
	require.NoError(t, b.Close())
	require.Equal(t, sent, handled)
}

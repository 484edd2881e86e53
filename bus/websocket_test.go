package bus_test

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

// upgrade asks for a WebSocket, as a browser with a page of this origin does, and returns the status.
func upgrade(t *testing.T, url, origin string) int {
	t.Helper()
	host := strings.TrimPrefix(url, "ws://")
	conn, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer conn.Close()
	request, err := http.NewRequest(http.MethodGet, "http://"+host, nil)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": origin,
	} {
		request.Header.Set(name, value)
	}
	require.NoError(t, request.Write(conn))
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	log := new(bustest.Log)
	b, err := bus.Open(t.Context(), bus.Config{
		Logger: slog.New(slog.NewTextHandler(log, nil)),
		Server: bus.ServerConfig{Memory: true, WebSocket: "127.0.0.1:0"},
	})
	require.NoError(t, err)
	defer b.Close()
	require.Regexp(t, `^ws://127\.0\.0\.1:\d+$`, b.WebSocketURL())
	require.NotEqual(t, strings.TrimPrefix(b.URL(), "nats"), strings.TrimPrefix(b.WebSocketURL(), "ws"))
	require.Empty(t, log.String(), "it was asked for")

	nc, err := bus.Connect(t.Context(), bus.Config{URL: b.WebSocketURL()})
	require.NoError(t, err)
	defer nc.Close()
	sub, err := nc.SubscribeSync("hello")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	require.NoError(t, b.Conn().Publish("hello", []byte("browser")))
	msg, err := sub.NextMsgWithContext(t.Context())
	require.NoError(t, err)
	require.Equal(t, "browser", string(msg.Data))
}

func TestWebSocketOrigins(t *testing.T) {
	t.Parallel()
	const page, elsewhere = "http://localhost:5173", "https://example.com"
	for name, test := range map[string]struct {
		listen  string
		origins []string
		want    map[string]int
	}{
		"by default its own pages": {"127.0.0.1:0", nil, map[string]int{
			"": http.StatusSwitchingProtocols, "own": http.StatusSwitchingProtocols, page: http.StatusForbidden, elsewhere: http.StatusForbidden,
		}},
		"those that are named": {":0", []string{page}, map[string]int{
			"": http.StatusSwitchingProtocols, page: http.StatusSwitchingProtocols, elsewhere: http.StatusForbidden,
			"http://127.0.0.1:5173": http.StatusForbidden,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := bus.StartServer(bus.ServerConfig{
				Memory: true, WebSocket: test.listen, WebSocketOrigins: test.origins, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			t.Cleanup(server.Shutdown)
			for origin, want := range test.want {
				if origin == "own" {
					origin = "http" + strings.TrimPrefix(server.WebSocketURL(), "ws")
				}
				require.Equal(t, want, upgrade(t, server.WebSocketURL(), origin), origin)
			}
		})
	}
}

func TestWebSocketOptions(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, err = bus.StartServer(bus.ServerConfig{Memory: true, WebSocket: taken.Addr().String()})
	require.ErrorIs(t, err, bus.ErrListen)
	require.ErrorContains(t, err, "for WebSockets on "+taken.Addr().String())
	require.NotContains(t, err.Error(), "NATS_URL", "it is no address for clients")

	for _, wrong := range []bus.ServerConfig{
		{WebSocket: "8080"},
		{WebSocketOrigins: []string{"http://localhost"}},
		{WebSocket: ":0", WebSocketOrigins: []string{"localhost"}},
	} {
		wrong.Memory = true
		_, err = bus.StartServer(wrong)
		require.Error(t, err, "%+v", wrong)
	}

	server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true, WebSocket: ":0"})
	require.NoError(t, err)
	defer server.Shutdown()
	require.Empty(t, server.WebSocketURL(), "it listens nowhere")
	nc, err := nats.Connect("", nats.InProcessServer(server.InProcess()))
	require.NoError(t, err)
	nc.Close()
}

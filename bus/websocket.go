package bus

import (
	"fmt"
	"net"
	"net/url"

	"github.com/nats-io/nats-server/v2/server"
)

// websocket is the configuration of the WebSocket listener. Without an address there is none.
func (c ServerConfig) websocket() (server.WebsocketOpts, error) {
	if c.WebSocket == "" || c.InProcessOnly {
		if len(c.WebSocketOrigins) > 0 && !c.InProcessOnly {
			return server.WebsocketOpts{}, fmt.Errorf("origins %q for a WebSocket without an address", c.WebSocketOrigins)
		}
		return server.WebsocketOpts{}, nil
	}
	host, port, err := parseListen(c.WebSocket)
	if err != nil {
		return server.WebsocketOpts{}, fmt.Errorf("the WebSocket: %w", err)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return server.WebsocketOpts{
		Host: host, Port: port, NoTLS: true, Compression: true,
		SameOrigin: len(c.WebSocketOrigins) == 0, AllowedOrigins: c.WebSocketOrigins,
	}, nil
}

// WebSocketURL is where browsers can connect. It is empty without a WebSocket.
func (s *Server) WebSocketURL() string { return s.websocketURL }

// websocketURL is the URL by which this machine reaches the WebSocket, which may be on all addresses.
func websocketURL(srv *server.Server) string {
	u, err := url.Parse(srv.WebsocketURL())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "" || ip.IsUnspecified() {
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	return u.String()
}

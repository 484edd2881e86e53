package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/troupe-go/troupe/bus"
)

// upCommand is the verb up.
type upCommand struct {
	Listen     string   `placeholder:"HOST:PORT" help:"Where to listen ($$TROUPE_LISTEN, else ${listen}); port 0 is a free one."`
	WebSocket  string   `name:"websocket" placeholder:"HOST:PORT" help:"Listen for browsers as well, without TLS."`
	Origin     []string `placeholder:"ORIGIN" help:"Origin of pages that may use it, such as http://localhost:5173; can be repeated."`
	Data       string   `placeholder:"DIR" help:"Directory for the data ($$TROUPE_DATA, else one of this user)."`
	Memory     bool     `help:"Store nothing on disk."`
	SyncAlways bool     `help:"Sync everything to the disk before it is acknowledged: a power cut loses nothing."`
}

// Help is shown by troupe up --help.
func (*upCommand) Help() string {
	return `It runs until an interrupt (Ctrl-C). What was acknowledged is there at the next start. Hosts, clients and this ` +
		`command find it at the default address without configuration.

The server does not authenticate, so it listens on this machine only, unless --listen says otherwise. Web pages may connect ` +
		`only from the given origins, spelt as the browser shows them. Without --origin only pages at the WebSocket's own address ` +
		`may, which is where a proxy puts them.`
}

// defaultListen is where every NATS client looks by default.
var defaultListen = strings.TrimPrefix(bus.DefaultURL, "nats://")

func (c *upCommand) run(ctx context.Context, e env) error {
	config := bus.ServerConfig{
		Listen: cmp.Or(c.Listen, os.Getenv("TROUPE_LISTEN"), defaultListen), WebSocket: c.WebSocket, WebSocketOrigins: c.Origin,
		DataDir: cmp.Or(c.Data, os.Getenv("TROUPE_DATA")), Memory: c.Memory, SyncAlways: c.SyncAlways, Logger: e.config.Logger,
	}
	for _, address := range []string{config.Listen, config.WebSocket} {
		if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
			return usageError{fmt.Errorf("%q is not host:port", address)}
		}
	}
	if len(c.Origin) > 0 && c.WebSocket == "" {
		return usageError{errors.New("--origin goes with --websocket")}
	}
	server, err := bus.StartServer(config)
	if err != nil {
		return err
	}
	defer server.Shutdown()
	if err := printUp(e, server); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func printUp(e env, server *bus.Server) error {
	if e.json {
		return e.printLine(struct {
			URL       string `json:"url"`
			WebSocket string `json:"websocket,omitempty"`
			Data      string `json:"data,omitempty"`
		}{server.URL(), server.WebSocketURL(), server.DataDir()})
	}
	var text strings.Builder
	text.WriteString("A NATS server with JetStream is up. Ctrl-C ends it.\n\n")
	for _, line := range [][2]string{
		{"NATS", server.URL()}, {"WebSocket", server.WebSocketURL()}, {"data", cmp.Or(server.DataDir(), "in memory")},
	} {
		if line[1] != "" {
			fmt.Fprintf(&text, "  %-10s %s\n", line[0], line[1])
		}
	}
	if server.URL() != bus.DefaultURL {
		fmt.Fprintf(&text, "\nFor other terminals: export NATS_URL=%s\n", server.URL())
	}
	_, err := fmt.Fprint(e.out, text.String())
	return err
}

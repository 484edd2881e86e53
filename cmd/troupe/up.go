package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/probe"
)

// upCommand is the verb up.
type upCommand struct {
	Listen     string   `placeholder:"HOST:PORT" help:"Where to listen ($$TROUPE_LISTEN, else ${listen}); port 0 is a free one."`
	WebSocket  string   `name:"websocket" placeholder:"HOST:PORT" help:"Listen for browsers as well, without TLS."`
	Origin     []string `placeholder:"ORIGIN" help:"Origin of pages that may use it, such as http://localhost:5173; can be repeated."`
	Data       string   `placeholder:"DIR" help:"Directory for the data ($$TROUPE_DATA, else one of this user)."`
	Memory     bool     `help:"Store nothing on disk."`
	Probes     string   `placeholder:"HOST:PORT" help:"Where to answer /livez and /readyz over HTTP ($$TROUPE_PROBES, else nowhere)."`
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

// errNotUp is why it is not ready.
var errNotUp = errors.New("the server starts or stops")

func (c *upCommand) run(ctx context.Context, e env) error {
	config := bus.ServerConfig{
		Listen: cmp.Or(c.Listen, os.Getenv("TROUPE_LISTEN"), defaultListen), WebSocket: c.WebSocket, WebSocketOrigins: c.Origin,
		DataDir: cmp.Or(c.Data, os.Getenv("TROUPE_DATA")), Memory: c.Memory, SyncAlways: c.SyncAlways, Logger: e.config.Logger,
	}
	probes := cmp.Or(c.Probes, os.Getenv("TROUPE_PROBES"))
	for _, address := range []string{config.Listen, config.WebSocket, probes} {
		if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
			return usageError{fmt.Errorf("%q is not host:port", address)}
		}
	}
	if len(c.Origin) > 0 && c.WebSocket == "" {
		return usageError{errors.New("--origin goes with --websocket")}
	}
	var up atomic.Bool
	if probes != "" { // from now on: a server that finds much to recover is alive, too
		listening, err := probe.Listen(ctx, probes, func() error {
			if !up.Load() || ctx.Err() != nil {
				return errNotUp
			}
			return nil
		})
		if err != nil {
			return err
		}
		defer listening.Close()
	}
	server, err := bus.StartServer(config)
	if err != nil {
		return err
	}
	defer server.Shutdown()
	up.Store(true)
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

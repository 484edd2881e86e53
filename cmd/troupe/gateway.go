package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client/gateway"
	"github.com/troupe-go/troupe/internal/webname"
)

// gatewayCommand is the verb gateway.
type gatewayCommand struct {
	Listen    string   `default:"127.0.0.1:7421" placeholder:"HOST:PORT" help:"Where to listen (${default}); port 0 is a free one."`
	Host      []string `placeholder:"NAME" help:"Name by which it may be asked, beside localhost and its address; can be repeated."`
	Origin    []string `placeholder:"ORIGIN" help:"Origin of pages that may use it, such as https://shop.example; can be repeated."`
	Anonymous bool     `help:"Serve requests without credentials too, as the user of this command."`
	UserInbox string   `name:"user-inbox" default:"_INBOX.{user}" placeholder:"PREFIX" help:"Inboxes of who has a password (${default})."`
}

// Help is shown by troupe gateway --help.
func (*gatewayCommand) Help() string {
	return `It lets programs without a NATS client reach actors, by HTTP, until an interrupt (Ctrl-C). POST /TYPE/KEY/ACTION with a ` +
		`JSON body calls an action, GET /TYPE/KEY/EVENT listens to an event, GET /openapi.json says what there is.

  troupe gateway --anonymous
  curl --json 5 http://127.0.0.1:7421/inventory/main/reserveStock
  curl -N http://127.0.0.1:7421/inventory/main/reserved

Each request comes with credentials of NATS: Authorization: Bearer with a token or a bearer JWT, or Basic with a user and a password. ` +
		`The gateway connects as that user, so the server decides what is allowed. With --anonymous whoever reaches the address is the ` +
		`user of this command: then it should listen on this machine only. There is no TLS: put a proxy before it, and name it by --host.`
}

func (c *gatewayCommand) run(ctx context.Context, e env) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return usageError{fmt.Errorf("%q is not host:port", c.Listen)}
	}
	names := slices.Concat(webname.Local, c.Host)
	if host != "" {
		names = append(names, host)
	}
	g, err := gateway.New(gateway.Config{
		Connect: func(ctx context.Context, from gateway.Credentials) (*nats.Conn, error) {
			return bus.Connect(ctx, c.configOf(e.config, from))
		},
		Anonymous: c.Anonymous, Namespace: e.namespace.Name(), Hosts: names, Origins: c.Origin, Logger: e.config.Logger,
	})
	if err != nil {
		return usageError{err}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return errors.Join(err, g.Close(ctx))
	}
	return c.serve(ctx, e, g, listener)
}

// gatewayGrace is how long calls may go on once the gateway is to end.
const gatewayGrace = 10 * time.Second

func (c *gatewayCommand) serve(ctx context.Context, e env, g *gateway.Gateway, listener net.Listener) error {
	// How long bodies and answers may take, the gateway says: streams have no end.
	server := http.Server{
		Handler: g, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(e.config.Logger.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatewayGrace)
		defer cancel()
		ended <- errors.Join(g.Close(ctx), server.Shutdown(ctx))
	})
	err := c.print(e, "http://"+listener.Addr().String()+"/")
	if err == nil {
		err = server.Serve(listener)
	}
	if !stop() {
		return <-ended
	}
	return errors.Join(err, server.Close(), g.Close(ctx))
}

func (c *gatewayCommand) print(e env, url string) error {
	if e.json {
		return e.printLine(struct {
			URL string `json:"url"`
		}{url})
	}
	_, err := fmt.Fprintf(e.out, "Actors are at %s  Ctrl-C ends it.\n", url)
	return err
}

// configOf is how to connect as whoever has sent a request.
func (c *gatewayCommand) configOf(config bus.Config, from gateway.Credentials) bus.Config {
	config.Name += " gateway"
	if from == (gateway.Credentials{}) {
		return config
	}
	config.Creds, config.User, config.Password, config.Token, config.NKey, config.JWT, config.Seed = "", "", "", "", "", "", ""
	config.InboxPrefix = from.InboxPrefix
	switch {
	case from.User != "":
		config.User, config.Password = from.User, from.Password
		if config.InboxPrefix == "" && isPlain(from.User) {
			config.InboxPrefix = strings.ReplaceAll(c.UserInbox, "{user}", from.User)
		}
	case isUserJWT(from.Token):
		config.JWT = from.Token
	default:
		config.Token = from.Token
	}
	return config
}

// isPlain reports whether a user's name can be a token of a subject.
func isPlain(user string) bool {
	for _, c := range []byte(user) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isUserJWT reports whether a token is a JWT of NATS, which the server checks itself, and not one that it hands to an auth callout.
func isUserJWT(token string) bool {
	header, _, ok := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	var kind struct {
		Algorithm string `json:"alg"`
	}
	return ok && strings.HasPrefix(token, "eyJ") && err == nil && json.Unmarshal(text, &kind) == nil && kind.Algorithm == "ed25519-nkey"
}

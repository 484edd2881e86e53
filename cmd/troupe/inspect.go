package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/troupe-go/troupe/client/inspect"
	"github.com/troupe-go/troupe/internal/webname"
)

// inspectCommand is the verb inspect.
type inspectCommand struct {
	Listen string   `default:"127.0.0.1:7420" placeholder:"HOST:PORT" help:"Where to listen (${default}); port 0 is a free one."`
	Write  bool     `help:"Let whoever opens the printed address, which has a token, call and change actors, and drain hosts."`
	Host   []string `placeholder:"NAME" help:"Name by which browsers may ask for it, beside localhost and its address; can be repeated."`
}

// Help is shown by troupe inspect --help.
func (*inspectCommand) Help() string {
	return `It serves web pages, until an interrupt (Ctrl-C): what runs and for how long, rates, errors and times, hosts, the actors ` +
		`that are awake, one actor with its state, queues, history, neighbours and events, what has failed and what is stuck. They ` +
		`show what the user of the connection may see, and change nothing without --write.

Whoever reaches the address sees all of that, without a password: it listens on this machine only, unless --listen says otherwise. ` +
		`A browser that asks by another name is refused; --host adds one, for a proxy that asks for a password. ` +
		`With --write the pages call actions, replace states, put to sleep and destroy actors, send dead letters again, run schedules, ` +
		`retry and cancel workflows and drain hosts, for browsers that have opened the printed address with its token.`
}

// headerTime is how long a browser may take to say what it wants, idleTime how long a connection is kept for the next page.
const (
	headerTime = 5 * time.Second
	idleTime   = 2 * time.Minute
	writeTime  = time.Minute
	maxHeader  = 32 << 10
)

func (c *inspectCommand) run(ctx context.Context, e env) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return usageError{fmt.Errorf("%q is not host:port", c.Listen)}
	}
	names := slices.Concat(webname.Local, c.Host)
	if host != "" {
		names = append(names, host)
	}
	token, query := "", ""
	if c.Write {
		token = rand.Text()
		query = "?token=" + token
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		pages, err := inspect.New(conn.nc, inspect.Config{
			Namespace: e.namespace.Name(), Hosts: names, Timeout: min(e.timeout, inspect.DefaultTimeout), Token: token,
		})
		if err != nil {
			return err
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
		if err != nil {
			return err
		}
		server := http.Server{
			Handler: pages, ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
			MaxHeaderBytes: maxHeader,
		}
		stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is under way ends by itself, or is undone
		defer stop()
		if err := printInspect(e, "http://"+listener.Addr().String()+"/"+query); err != nil {
			return errors.Join(err, listener.Close())
		}
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

func printInspect(e env, url string) error {
	if e.json {
		return e.printLine(struct {
			URL string `json:"url"`
		}{url})
	}
	_, err := fmt.Fprintf(e.out, "The pages are at %s  Ctrl-C ends it.\n", url)
	return err
}

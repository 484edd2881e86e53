// Command callout lets browsers in: a NATS server asks it about each connection that comes without credentials. It looks at the
// cookie that came with the WebSocket, and makes a JWT of a few minutes for the guest whom the cookie names. It is an example: put
// the sessions of your own web application in place of its signed cookies.
//
//	go run ./deploy/callout serve ~/troupe-keys --key session.key
//	go run ./deploy/callout session org1 ann --key session.key    # a cookie, for trying
//
// Several may run: the server asks one of them. docs/security.md says how browsers, cookies and JWTs play together.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/troupe-go/troupe/bus"
)

type commands struct {
	Serve struct {
		// Of it, callout.nk, troupe.pub, roles/page.nk and creds/callout.creds are needed.
		Dir   string        `arg:"" help:"Directory that deploy/keys has made."`
		Key   string        `required:"" help:"File with the key of the cookies, of 32 bytes or more."`
		Valid time.Duration `default:"5m" help:"How long a guest may stay before the cookie is looked at again."`
	} `cmd:"" help:"Answer the server, whose URL is in NATS_URL."`
	Session struct {
		Tenant string        `arg:""`
		Name   string        `arg:""`
		Key    string        `required:"" help:"File with the key of the cookies."`
		Valid  time.Duration `default:"8h" help:"How long the cookie is good."`
	} `cmd:"" help:"Print the cookie of a guest."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	parsed := kong.Parse(&c, kong.Description("Let browsers in, by their cookies."))
	if err := run(ctx, parsed.Command(), &c); err != nil {
		fmt.Fprintln(os.Stderr, "callout:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stopped
	}
}

func run(ctx context.Context, command string, c *commands) error {
	if command == "serve <dir>" {
		key, err := readKey(c.Serve.Key)
		if err != nil {
			return err
		}
		config, err := bus.ConfigFromEnv()
		if err != nil {
			return err
		}
		return serve(ctx, config, c.Serve.Dir, sessions{key}, c.Serve.Valid)
	}
	key, err := readKey(c.Session.Key)
	if err != nil {
		return err
	}
	cookie, err := sessions{key}.issue(c.Session.Tenant, c.Session.Name, time.Now().Add(c.Session.Valid))
	if err == nil {
		fmt.Println(cookie)
	}
	return err
}

// serve answers until ctx is done.
func serve(ctx context.Context, config bus.Config, dir string, s sessions, valid time.Duration) (err error) {
	a, err := newAuthoriser(dir, s, valid)
	if err != nil {
		return err
	}
	config.Creds = dir + "/creds/callout.creds"
	nc, err := bus.Connect(ctx, config)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := a.listen(nc); err != nil {
		return err
	}
	slog.Info("answering about browsers", "server", nc.ConnectedUrlRedacted())
	<-ctx.Done()
	return errors.Join(err, nc.Flush())
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/wire"
)

// connection has the flags of the nats command, by its names. What a flag does not say is taken from the environment.
type connection struct {
	Server         string         `short:"s" placeholder:"URL" help:"NATS servers, separated by commas ($$NATS_URL, else 127.0.0.1:4222)."`
	Context        string         `placeholder:"NAME" help:"Context of the nats command, used instead of the environment ($$NATS_CONTEXT)."`
	User           string         `placeholder:"USER" help:"User name ($$NATS_USER)."`
	Password       string         `placeholder:"PASSWORD" help:"Password ($$NATS_PASSWORD)."`
	Token          string         `placeholder:"TOKEN" help:"Token ($$NATS_TOKEN)."`
	Creds          string         `placeholder:"FILE" help:"User credentials ($$NATS_CREDS)."`
	NKey           string         `name:"nkey" placeholder:"FILE" help:"User NKey seed ($$NATS_NKEY)."`
	JWT            string         `name:"jwt" placeholder:"FILE" help:"User JWT ($$NATS_JWT)."`
	Seed           string         `placeholder:"FILE" help:"Seed of the user JWT ($$NATS_SEED)."`
	TLSCert        string         `name:"tlscert" placeholder:"FILE" help:"TLS public certificate ($$NATS_CERT)."`
	TLSKey         string         `name:"tlskey" placeholder:"FILE" help:"TLS private key ($$NATS_KEY)."`
	TLSCA          string         `name:"tlsca" placeholder:"FILE" help:"TLS certificate authorities ($$NATS_CA)."`
	TLSFirst       bool           `name:"tlsfirst" help:"Begin with TLS, before the server's greeting."`
	SOCKSProxy     string         `name:"socks-proxy" placeholder:"URL" help:"SOCKS5 proxy to connect through ($$NATS_SOCKS_PROXY)."`
	InboxPrefix    string         `placeholder:"PREFIX" help:"Prefix of inboxes ($$NATS_INBOX_PREFIX, else _INBOX)."`
	ConnectionName string         `placeholder:"NAME" help:"What the server calls this connection (default: troupe-cli)."`
	Timeout        *time.Duration `placeholder:"DURATION" help:"Time to wait for a server or an answer ($$NATS_TIMEOUT, else ${timeout})."`
}

// defaultTimeout is that of the nats command.
const defaultTimeout = 5 * time.Second

// connectionError is a connection that could not be made, or was lost for good.
type connectionError struct{ error }

func (e connectionError) Unwrap() error { return e.error }

const noServerAdvice = `  Is the program that runs the actors up? Examples that were started with --serve listen at 127.0.0.1:4222,
  and so does a server started with troupe up.
  To use another server, name it by --server URL, NATS_URL or --context NAME.
`

// env is what a verb runs with.
type env struct {
	terminal
	json      bool
	namespace wire.Namespace
	config    bus.Config
	timeout   time.Duration
}

// env completes the flags with the environment.
func (g globals) env(t terminal) (env, error) {
	name := g.Namespace
	if name == "" {
		name = os.Getenv("TROUPE_NAMESPACE")
	}
	namespace, err := wire.NewNamespace(name)
	if err != nil {
		return env{}, err
	}
	config, err := g.connection.config()
	if err != nil {
		return env{}, usageError{err}
	}
	config.Logger = slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelError}))
	return env{terminal: t, json: g.JSON, namespace: namespace, config: config, timeout: config.Timeout}, nil
}

func (c connection) config() (bus.Config, error) {
	config, err := bus.ConfigFromEnv()
	if err != nil {
		return config, err
	}
	if c.Context != "" { // it has all that is needed
		config = bus.Config{Timeout: config.Timeout}
	}
	if c.User+c.Token+c.Creds+c.NKey+c.JWT != "" { // credentials are of one kind: flags replace another kind
		config.Token, config.Creds, config.NKey, config.JWT, config.Seed = "", "", "", "", ""
		if c.User == "" {
			config.User, config.Password = "", ""
		}
	}
	for _, setting := range []struct {
		flag string
		to   *string
	}{
		{c.Server, &config.URL}, {c.Context, &config.Context},
		{c.User, &config.User}, {c.Password, &config.Password}, {c.Token, &config.Token},
		{c.Creds, &config.Creds}, {c.NKey, &config.NKey},
		{c.JWT, &config.JWT}, {c.Seed, &config.Seed}, {c.SOCKSProxy, &config.SOCKSProxy},
		{c.TLSCert, &config.TLSCert}, {c.TLSKey, &config.TLSKey}, {c.TLSCA, &config.TLSCA},
		{c.InboxPrefix, &config.InboxPrefix}, {cmp.Or(c.ConnectionName, "troupe-cli"), &config.Name},
	} {
		if setting.flag != "" {
			*setting.to = setting.flag
		}
	}
	config.TLSFirst = config.TLSFirst || c.TLSFirst
	if c.Timeout != nil {
		config.Timeout = *c.Timeout
		if config.Timeout <= 0 {
			return config, fmt.Errorf("--timeout %v is not positive", config.Timeout)
		}
	}
	config.Timeout = cmp.Or(config.Timeout, defaultTimeout)
	return config, nil
}

// connect never starts a server.
func (e env) connect(ctx context.Context) (*nats.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	nc, err := bus.Connect(ctx, e.config)
	if err != nil && !errors.Is(err, bus.ErrNoServer) {
		err = connectionError{err}
	}
	return nc, err
}

// flush returns when the server has handled what was sent to it, subscriptions too.
func (e env) flush(ctx context.Context, nc *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	if err := nc.FlushWithContext(ctx); err != nil {
		return connectionError{err}
	}
	if err := nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	return nil
}

// explainDenied adds to err what the server has said of a missing permission: a request that it does not let through
// gets no answer, and looks like a slow one.
func explainDenied(nc *nats.Conn, err error) error {
	if denied := nc.LastError(); err != nil && errors.Is(denied, nats.ErrPermissionViolation) && !errors.Is(err, denied) {
		return fmt.Errorf("%w: %w", denied, err)
	}
	return err
}

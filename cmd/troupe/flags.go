package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/wire"
)

// globals are the flags of every verb.
type globals struct {
	JSON      bool             `group:"common" name:"json" short:"j" help:"Write JSON, one value per line; errors go to stderr."`
	Namespace string           `group:"common" placeholder:"NAME" help:"Namespace of the actors ($$TROUPE_NAMESPACE, else ${namespace})."`
	Version   kong.VersionFlag `group:"common" help:"Print the version."`

	connectionFlags `group:"connection"`
}

// connectionFlags are the flags of the nats command, with the same names. Missing ones are taken from the environment.
type connectionFlags struct {
	Server         string         `short:"s" placeholder:"URL" help:"NATS servers, separated by commas ($$NATS_URL, else 127.0.0.1:4222)."`
	Context        string         `placeholder:"NAME" help:"Context of the nats command, replaces the environment ($$NATS_CONTEXT)."`
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
	TLSFirst       bool           `name:"tlsfirst" help:"Use TLS from the first byte, before the server's greeting."`
	SOCKSProxy     string         `name:"socks-proxy" placeholder:"URL" help:"SOCKS5 proxy to connect through ($$NATS_SOCKS_PROXY)."`
	InboxPrefix    string         `placeholder:"PREFIX" help:"Prefix of inboxes ($$NATS_INBOX_PREFIX, else _INBOX)."`
	ConnectionName string         `placeholder:"NAME" help:"Name of the connection at the server (default: troupe-cli)."`
	Timeout        *time.Duration `placeholder:"DURATION" help:"Time to wait for a server or a reply ($$NATS_TIMEOUT, else ${timeout})."`
}

// defaultTimeout is the timeout of the nats command.
const defaultTimeout = 5 * time.Second

func (c connectionFlags) config() (bus.Config, error) {
	config, err := bus.ConfigFromEnv()
	if err != nil {
		return config, err
	}
	if c.Context != "" { // a context is complete by itself
		config = bus.Config{Timeout: config.Timeout}
	}
	if c.User+c.Token+c.Creds+c.NKey+c.JWT != "" { // credentials are of one kind: those in flags replace all others
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
	config, err := g.connectionFlags.config()
	if err != nil {
		return env{}, usageError{err}
	}
	config.Logger = slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelError}))
	return env{terminal: t, json: g.JSON, namespace: namespace, config: config, timeout: config.Timeout}, nil
}

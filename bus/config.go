package bus

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// DefaultURL is where [Connect] looks for a server unless the config names one.
const DefaultURL = nats.DefaultURL

const defaultTimeout = 5 * time.Second

// Config says how to connect. With the zero value [Open] starts a server in this process and [Connect] tries
// [DefaultURL]. Credentials are of one kind: Creds, User, Token, NKey or JWT. They replace those of the Context.
type Config struct {
	// URL is a comma-separated list of servers of one cluster: nats://, tls://, ws:// or wss://. It replaces the
	// servers of the Context.
	URL string
	// Context is the name of a context of the NATS command line, or the absolute path of a context file.
	Context string
	// Name is the name of the connection, which the server shows. Default: the program's name.
	Name string

	Creds    string // file with a JWT and its seed; read again at each reconnect
	User     string // without a password it is a token, as in a NATS URL
	Password string
	Token    string
	NKey     string // file with an NKey seed
	JWT      string // a user's JWT, or the path of a file with one
	Seed     string // the seed of the JWT, or the path of a file with it; a bearer JWT needs none

	TLSCert  string // file with the client's certificate; needs TLSKey
	TLSKey   string
	TLSCA    string // file with the authorities for the server's certificate; default: the system's
	TLSFirst bool   // the server expects TLS from the first byte

	InboxPrefix string // prefix of reply subjects; default: _INBOX
	SOCKSProxy  string // as socks5://user:password@host:port

	// Timeout bounds connecting to one server, its handshake, and draining in Close. Default: 5 s.
	Timeout time.Duration
	// Logger gets a record for each disconnect, each reconnect, and each error that is not returned to a caller.
	// Default: slog.Default.
	Logger *slog.Logger
	// Server configures the server that [Open] starts if there is neither URL nor Context. The connection to it stays
	// within the process: credentials, TLS and proxy are not used.
	Server ServerConfig
}

// ConfigFromEnv reads a config from the environment. NATS_URL, NATS_CONTEXT, NATS_CREDS, NATS_USER, NATS_PASSWORD,
// NATS_TOKEN, NATS_NKEY, NATS_JWT, NATS_SEED, NATS_CERT, NATS_KEY, NATS_CA, NATS_TIMEOUT (such as 5s),
// NATS_INBOX_PREFIX and NATS_SOCKS_PROXY mean what they mean to the NATS command line. TROUPE_DATA and TROUPE_LISTEN
// are the DataDir and the Listen address of a server in this process. The error names every variable with a malformed
// value.
func ConfigFromEnv() (Config, error) {
	c := Config{
		URL:         os.Getenv("NATS_URL"),
		Context:     os.Getenv("NATS_CONTEXT"),
		Creds:       os.Getenv("NATS_CREDS"),
		User:        os.Getenv("NATS_USER"),
		Password:    os.Getenv("NATS_PASSWORD"),
		Token:       os.Getenv("NATS_TOKEN"),
		NKey:        os.Getenv("NATS_NKEY"),
		JWT:         os.Getenv("NATS_JWT"),
		Seed:        os.Getenv("NATS_SEED"),
		TLSCert:     os.Getenv("NATS_CERT"),
		TLSKey:      os.Getenv("NATS_KEY"),
		TLSCA:       os.Getenv("NATS_CA"),
		InboxPrefix: os.Getenv("NATS_INBOX_PREFIX"),
		SOCKSProxy:  os.Getenv("NATS_SOCKS_PROXY"),
		Server: ServerConfig{
			DataDir: os.Getenv("TROUPE_DATA"),
			Listen:  os.Getenv("TROUPE_LISTEN"),
		},
	}
	var errs []error
	check := func(name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if text := os.Getenv("NATS_TIMEOUT"); text != "" {
		timeout, err := time.ParseDuration(text)
		if err == nil && timeout <= 0 {
			err = fmt.Errorf("%s is not a positive duration", text)
		}
		c.Timeout = timeout
		check("NATS_TIMEOUT", err)
	}
	if c.URL != "" {
		check("NATS_URL", checkURL(c.URL))
	}
	if c.SOCKSProxy != "" {
		_, err := parseProxy(c.SOCKSProxy)
		check("NATS_SOCKS_PROXY", err)
	}
	if c.Server.Listen != "" {
		_, _, err := parseListen(c.Server.Listen)
		check("TROUPE_LISTEN", err)
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, programName())
	c.Timeout = cmp.Or(max(c.Timeout, 0), defaultTimeout)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

// credentials returns the options that authenticate the connection.
func (c Config) credentials() ([]nats.Option, error) {
	var kinds []string
	for _, one := range []struct{ kind, value string }{
		{"a credentials file", c.Creds}, {"a user", c.User}, {"a token", c.Token}, {"an NKey", c.NKey}, {"a JWT", c.JWT},
	} {
		if one.value != "" {
			kinds = append(kinds, one.kind)
		}
	}
	switch {
	case len(kinds) > 1:
		return nil, errors.New("credentials of more than one kind: " + strings.Join(kinds, ", "))
	case c.Password != "" && c.User == "":
		return nil, errors.New("a password without its user")
	case c.Seed != "" && c.JWT == "":
		return nil, errors.New("a seed without its JWT: give the file of an NKey seed as NKey")
	case len(kinds) == 0:
		return nil, nil
	}
	option, err := c.credential()
	if err != nil {
		return nil, err
	}
	return []nats.Option{forgetCredentials, option}, nil
}

// forgetCredentials drops the credentials of a context.
func forgetCredentials(opts *nats.Options) error {
	opts.User, opts.Password, opts.Token, opts.Nkey = "", "", "", ""
	opts.UserJWT, opts.SignatureCB = nil, nil
	return nil
}

func (c Config) credential() (nats.Option, error) {
	switch {
	case c.Creds != "":
		if err := checkCreds(c.Creds); err != nil {
			return nil, fmt.Errorf("credentials of %s: %w", c.Creds, err)
		}
		return nats.UserCredentials(c.Creds), nil
	case c.Token != "":
		return nats.Token(c.Token), nil
	case c.User != "" && c.Password == "":
		return nats.Token(c.User), nil
	case c.User != "":
		return nats.UserInfo(c.User, c.Password), nil
	case c.NKey != "":
		option, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("NKey of %s: %w", c.NKey, err)
		}
		return option, nil
	}
	jwt, err := textOrFile(c.JWT, strings.HasPrefix(c.JWT, "eyJ"))
	if err != nil {
		return nil, fmt.Errorf("JWT: %w", err)
	}
	if c.Seed == "" {
		unsigned := func([]byte) ([]byte, error) { return nil, nil }
		return nats.UserJWT(func() (string, error) { return jwt, nil }, unsigned), nil
	}
	const seedLength = 58 // of all NKeys
	seed, err := textOrFile(c.Seed, strings.HasPrefix(c.Seed, "S") && len(c.Seed) == seedLength)
	if err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	return nats.UserJWTAndSeed(jwt, seed), nil
}

// checkCreds fails if there is no seed. nats.go would notice only when the server asks for a signature.
func checkCreds(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	key, err := nkeys.ParseDecoratedNKey(data)
	if err != nil {
		return err
	}
	key.Wipe()
	return nil
}

// encryption returns the options for TLS beyond what tls:// and wss:// ask for.
func (c Config) encryption() ([]nats.Option, error) {
	var options []nats.Option
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, errors.New("a TLS certificate and its key are needed together")
	}
	if c.TLSCert != "" {
		options = append(options, fromFile("TLS certificate", c.TLSCert, nats.ClientCert(c.TLSCert, c.TLSKey)))
	}
	if c.TLSCA != "" {
		options = append(options, fromFile("TLS authorities", c.TLSCA, nats.RootCAs(c.TLSCA)))
	}
	if c.TLSFirst {
		options = append(options, nats.TLSHandshakeFirst())
	}
	return options, nil
}

// fromFile adds the name of the file to the errors of an option.
func fromFile(what, path string, option nats.Option) nats.Option {
	return func(opts *nats.Options) error {
		if err := option(opts); err != nil {
			return fmt.Errorf("%s of %s: %w", what, path, err)
		}
		return nil
	}
}

func textOrFile(value string, isText bool) (string, error) {
	if isText {
		return value, nil
	}
	data, err := os.ReadFile(value)
	return strings.TrimSpace(string(data)), err
}

func splitURLs(list string) []string {
	urls := strings.Split(list, ",")
	for i := range urls {
		urls[i] = strings.TrimSpace(urls[i])
	}
	return slices.DeleteFunc(urls, func(one string) bool { return one == "" })
}

// checkURL checks the addresses of servers. Its errors show no password.
func checkURL(list string) error {
	urls := splitURLs(list)
	if len(urls) == 0 {
		return errors.New("there is no URL in it")
	}
	for _, one := range urls {
		if !strings.Contains(one, "://") {
			one = "nats://" + one
		}
		u, err := url.Parse(one)
		var bad *url.Error
		switch {
		case errors.As(err, &bad):
			return fmt.Errorf("malformed URL %s: %w", redact(one), bad.Err)
		case !slices.Contains([]string{"nats", "tls", "ws", "wss"}, strings.ToLower(u.Scheme)):
			return fmt.Errorf("%s is not a nats://, tls://, ws:// or wss:// URL", redact(one))
		case u.Hostname() == "":
			return fmt.Errorf("%s names no host", redact(one))
		}
	}
	return nil
}

// redact lists URLs without users, passwords and tokens.
func redact(urls ...string) string {
	shown := make([]string, len(urls))
	for i, one := range urls {
		scheme, rest, found := strings.Cut(one, "://")
		if !found {
			scheme, rest = "nats", one
		}
		shown[i] = scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
	}
	return strings.Join(shown, ",")
}

// parseListen parses host:port. An empty host means all addresses of the machine.
func parseListen(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port", address)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port: the port is a number up to 65535", address)
	}
	return host, int(number), nil
}

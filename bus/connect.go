package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"
	"golang.org/x/net/proxy"

	"github.com/troupe-go/troupe/internal/faultlog"
)

// ErrNoServer is the error of [Connect] and [Open] when nothing listens at the URL.
var ErrNoServer = errors.New("no NATS server")

// ErrConfig is the error of [Connect] and [Open] when nothing was tried, because the [Config], a file that it names or
// its context cannot be used.
var ErrConfig = errors.New("bad configuration")

// How connections are kept alive.
const (
	// A server that vanishes, by a power cut or a pulled cable, is noticed within three intervals. Then it takes one
	// redialTimeout for each further server that does not answer.
	pingInterval = 2 * time.Second
	maxPings     = 2

	// nats.go holds the connection's lock while it writes. A write that gets stuck, because the other side takes no more,
	// ends the connection after this time. A healthy one takes the largest message in it.
	writeTimeout = 3 * time.Second

	// The pause between two rounds of attempts to reconnect to all known servers. It varies by up to half.
	firstReconnectWait = 100 * time.Millisecond
	maxReconnectWait   = 2 * time.Second

	// nats.go holds the connection's lock while it redials, so senders wait for up to this long.
	redialTimeout = 2 * time.Second

	writeBufferSize = 64 << 10
)

// Connect connects to a server. It returns at once if there is none: [ErrNoServer]. It never starts a server.
// Afterwards the connection reconnects after every disconnect until it is closed, also when a server has vanished without
// a word: that costs at most 10 s if another server answers. While it is disconnected, sending fails at once: nothing is
// buffered, because its caller might have given up by the time it is sent. The client library does not check subjects;
// those that this module makes are valid.
//
// When ctx is done, Connect gives up. After Connect has returned, ctx has no effect on the connection.
func Connect(ctx context.Context, c Config) (*nats.Conn, error) {
	c = c.withDefaults()
	if c.URL == "" && c.Context == "" {
		c.URL = DefaultURL
	}
	d := &dialer{timeout: c.Timeout, connecting: ctx}
	options, err := c.remoteOptions(d)
	if err != nil {
		return nil, configError{fmt.Errorf("connecting to NATS: %w", err)}
	}
	var nc *nats.Conn
	if c.Context != "" {
		nc, _, err = natscontext.Connect(c.Context, options...)
	} else {
		nc, err = nats.Connect(c.URL, options...)
	}
	asked, dialErr := d.connected()
	switch {
	case err == nil && ctx.Err() == nil:
		return nc, nil
	case ctx.Err() != nil:
		if nc != nil {
			nc.Close()
		}
		err = ctx.Err()
	case d.tried == "":
		return nil, configError{fmt.Errorf("connecting with the NATS context %s: %w", c.Context, err)}
	case errors.Is(err, nats.ErrNoServers) || dialErr != nil && errors.Is(err, dialErr):
		return nil, fmt.Errorf("%w at %s: start one, or set NATS_URL to where one runs (%w)", ErrNoServer, d.tried, cmp.Or(dialErr, err))
	}
	err = fmt.Errorf("connecting to %s: %w", cmp.Or(d.tried, redact(splitURLs(c.URL)...)), d.explain(ctx, err))
	if !asked && ctx.Err() == nil { // an option was refused
		err = configError{err}
	}
	return nil, err
}

// configError is an [ErrConfig] that does not say so.
type configError struct{ error }

func (e configError) Unwrap() error      { return e.error }
func (configError) Is(target error) bool { return target == ErrConfig }

// clientOptions are the options of every connection, in-process or not.
func (c Config) clientOptions() []nats.Option {
	log := c.Logger.With("connection", c.Name)
	errs := faultlog.New(faultlog.Limit(log))
	options := []nats.Option{
		nats.Name(c.Name),
		nats.Timeout(c.Timeout),
		nats.DrainTimeout(c.Timeout),
		nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(reconnectWait),
		nats.IgnoreAuthErrorAbort(), // expired credentials may be renewed
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(maxPings),
		nats.FlusherTimeout(writeTimeout),
		nats.ReconnectBufSize(-1), // a request must not run after its caller was told that it failed
		nats.SkipSubjectValidation(),
		nats.WriteBufferSize(writeBufferSize),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: closed on purpose
				log.Warn("disconnected from NATS", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("reconnected to NATS", "server", nc.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			errs.Failed("error of the NATS connection", err.Error(), err, slog.String("subject", subject))
		}),
	}
	if c.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(c.InboxPrefix))
	}
	return options
}

// remoteOptions are the options of a connection over the network.
func (c Config) remoteOptions(d *dialer) ([]nats.Option, error) {
	if c.URL != "" {
		if err := checkURL(c.URL); err != nil {
			return nil, err
		}
	}
	options := append([]nats.Option{func(opts *nats.Options) error {
		if c.URL != "" {
			opts.Servers = splitURLs(c.URL)
		} else if len(opts.Servers) == 0 { // a context without a URL
			opts.Servers = []string{DefaultURL}
		} else if err := checkURL(strings.Join(opts.Servers, ",")); err != nil {
			return err
		}
		d.tried = redact(opts.Servers...)
		return nil
	}}, c.clientOptions()...)
	credentials, err := c.credentials()
	if err != nil {
		return nil, err
	}
	encryption, err := c.encryption()
	if err != nil {
		return nil, err
	}
	if c.SOCKSProxy != "" {
		if d.dial, err = parseProxy(c.SOCKSProxy); err != nil {
			return nil, fmt.Errorf("SOCKS proxy: %w", err)
		}
	}
	options = append(options, credentials...)
	options = append(options, encryption...)
	return append(options, d.install), nil
}

// reconnectWait is the pause after the given number of rounds, from 1.
func reconnectWait(rounds int) time.Duration {
	wait := min(firstReconnectWait<<min(rounds-1, 8), maxReconnectWait)
	return wait/2 + rand.N(wait)
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialer does three things that nats.go does not: it lets a context end the connecting, it remembers why dialling failed
// when the connection was refused, and it gives up a connection that takes no more.
type dialer struct {
	dial    dialFunc
	timeout time.Duration
	tried   string // the URLs

	mu         sync.Mutex
	connecting context.Context //nolint:containedctx // of Connect; nil once that has returned
	asked      bool            // by the connection that is being made
	address    string          // that was dialled last
	release    []func() bool
	failed     error
}

// install must be the last option: a context may have set a dialer of its own.
func (d *dialer) install(opts *nats.Options) error {
	switch {
	case d.dial != nil:
	case opts.CustomDialer != nil:
		d.dial = withContext(opts.CustomDialer)
	default:
		d.dial = new(net.Dialer).DialContext
	}
	opts.CustomDialer = d
	opts.SkipHostLookup = true // dial looks names up, within the timeout, or the proxy does
	return nil
}

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	parent, timeout := d.connecting, d.timeout
	d.mu.Unlock()
	if parent == nil {
		parent, timeout = context.Background(), min(timeout, redialTimeout)
	}
	ctx, cancel := context.WithTimeout(parent, timeout)
	defer cancel()
	conn, err := d.dial(ctx, network, address)
	if err == nil {
		conn = strictConn{conn}
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.connecting == nil {
		return conn, err
	}
	d.asked, d.address = true, address
	if err != nil {
		d.failed = err
		return nil, err
	}
	d.release = append(d.release, context.AfterFunc(d.connecting, func() { _ = conn.Close() })) // ends the handshake
	return conn, nil
}

// strictConn ends with the first write that takes too long. nats.go would try again and again, and block all who send.
type strictConn struct{ net.Conn }

// Write implements net.Conn.
func (c strictConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.Close() // whoever reads notices
	}
	return n, err
}

// connected detaches the connection from the context of Connect. It reports whether anything was dialled, and why that
// failed the last time.
func (d *dialer) connected() (asked bool, failed error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, release := range d.release {
		release()
	}
	d.connecting, d.release = nil, nil
	return d.asked, d.failed
}

// withContext abandons a dialling that outlasts the context.
func withContext(inner nats.CustomDialer) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var conn net.Conn
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err = inner.Dial(network, address)
		}()
		select {
		case <-done:
			return conn, err
		case <-ctx.Done():
			go func() {
				if <-done; conn != nil {
					_ = conn.Close()
				}
			}()
			return nil, fmt.Errorf("dialling %s: %w", address, ctx.Err())
		}
	}
}

func parseProxy(text string) (dialFunc, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("malformed URL") // the error of Parse shows the password
	}
	if u.Hostname() == "" {
		return nil, errors.New("not a URL as socks5://host:port")
	}
	through, err := proxy.FromURL(u, new(net.Dialer))
	if err != nil {
		return nil, err
	}
	dialer, ok := through.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("not a socks5:// URL")
	}
	return dialer.DialContext, nil
}

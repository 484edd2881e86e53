package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/wire"
)

// Defaults of a gateway.
const (
	DefaultTimeout = 30 * time.Second
	DefaultIdle    = 5 * time.Minute

	DefaultUsers   = 1000
	DefaultCalls   = 512
	DefaultStreams = 1000
)

// Config says how a [Gateway] works. Only Connect is needed.
type Config struct {
	// Connect connects to NATS as the user of these credentials. The gateway closes the connection. If the server refuses the user,
	// the error is one of nats.go, such as nats.ErrAuthorization, wrapped or not; the request is then answered with 401.
	Connect func(ctx context.Context, credentials Credentials) (*nats.Conn, error)
	// Anonymous has requests without credentials served: Connect gets none, and says whose the connection is. By default they are
	// refused.
	Anonymous bool
	// Namespace is the one whose actors are called. Default: client.DefaultNamespace.
	Namespace string
	// Hosts are the names and addresses, without ports, by which the gateway may be asked. All others are refused, so that a page of
	// somebody else, whose name is made to lead here, reaches nothing. Default: localhost, 127.0.0.1 and ::1.
	Hosts []string
	// Origins are those of web pages, such as https://shop.example, that browsers may let use the gateway beside its own. Default:
	// none.
	Origins []string

	// Timeout bounds a call. A request may ask for less. Default: [DefaultTimeout].
	Timeout time.Duration
	// Idle is for how long the connection of a user is kept that nothing is under way for. Default: [DefaultIdle].
	Idle time.Duration
	// Users bounds how many connections there are. When one more is needed, the one that has been idle for longest goes. Default:
	// [DefaultUsers].
	Users int
	// Calls and Streams bound how many are under way. One user may have a quarter of them. Further ones are refused. Default:
	// [DefaultCalls], [DefaultStreams].
	Calls, Streams int
	// Logger gets what no caller is told. Default: slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Connect == nil {
		return c, errors.New("the config has no Connect")
	}
	if _, err := wire.NewNamespace(c.Namespace); err != nil {
		return c, err
	}
	for _, d := range []time.Duration{c.Timeout, c.Idle} {
		if d < 0 {
			return c, fmt.Errorf("the time %v is negative", d)
		}
	}
	for _, n := range []int{c.Users, c.Calls, c.Streams} {
		if n < 0 {
			return c, fmt.Errorf("the limit %d is negative", n)
		}
	}
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Scheme+"://"+u.Host != origin {
			return c, fmt.Errorf("%q is no origin such as https://shop.example or http://localhost:5173", origin)
		}
	}
	c.Timeout, c.Idle = cmp.Or(c.Timeout, DefaultTimeout), cmp.Or(c.Idle, DefaultIdle)
	c.Users, c.Calls, c.Streams = cmp.Or(c.Users, DefaultUsers), cmp.Or(c.Calls, DefaultCalls), cmp.Or(c.Streams, DefaultStreams)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c, nil
}

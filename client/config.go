package client

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// Defaults of a client.
const (
	DefaultNamespace  = "troupe"
	DefaultTimeout    = 30 * time.Second
	DefaultEventQueue = 1 << 19 // events
)

// Config says how a [Client] works. The zero value is a good one.
type Config struct {
	// Namespace keeps systems of actors on one bus apart: a client reaches only those of its own. Default:
	// [DefaultNamespace].
	Namespace string
	// Codec encodes the inputs of calls. Actors answer in the same encoding. Default: codec.MsgPack.
	Codec codec.Codec
	// Timeout bounds a call whose context has no deadline, and the making of a subscription. Default: [DefaultTimeout].
	Timeout time.Duration
	// EventQueue bounds how many events of one subscription, or of one connection, wait for their handlers. Events beyond it,
	// or beyond 64 MB, are dropped; the subscription is told of a gap (troupe.OnGap). Default: [DefaultEventQueue].
	EventQueue int
	// FailWithoutHost has a call to a type of which no host is up, and none has answered the client before, fail at once as
	// troupe.CodeUnknownType. By default the client looks whether there are actors of the type, and then waits for a host.
	FailWithoutHost bool
	// Intercept, if set, runs around each call, push and handler of an event: see troupe.Interceptor. Default: none.
	Intercept troupe.Interceptor
	// Logger gets what no caller is told, such as the error of an event's handler. Default: slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Timeout < 0 {
		return c, fmt.Errorf("the timeout %v is negative", c.Timeout)
	}
	if c.EventQueue < 0 {
		return c, fmt.Errorf("a queue of %d events is negative", c.EventQueue)
	}
	if c.Codec == nil {
		c.Codec = codec.MsgPack
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.EventQueue = cmp.Or(c.EventQueue, DefaultEventQueue)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c, nil
}

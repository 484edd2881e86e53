package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// shutdownTimeout bounds how long Close waits for the server, which may have many streams to close.
const shutdownTimeout = 10 * time.Second

// Bus is a connection to NATS, and the server itself if it runs in this process.
type Bus struct {
	nc      *nats.Conn
	server  *Server // nil: it runs elsewhere
	timeout time.Duration
	closing sync.Once
	err     error // of closing
}

// Open connects to the server that the config names. If the config has neither URL nor Context, Open starts a server in
// this process and connects to that. Callers must Close the bus.
func Open(ctx context.Context, c Config) (*Bus, error) {
	c = c.withDefaults()
	if c.URL != "" || c.Context != "" {
		nc, err := Connect(ctx, c)
		if err != nil {
			return nil, err
		}
		return &Bus{nc: nc, timeout: c.Timeout}, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("starting a NATS server: %w", err)
	}
	if c.Server.Logger == nil {
		c.Server.Logger = c.Logger
	}
	server, err := StartServer(c.Server)
	if err != nil {
		return nil, err
	}
	nc, err := server.Connect(c)
	if err != nil {
		server.Shutdown()
		return nil, err
	}
	return &Bus{nc: nc, server: server, timeout: c.Timeout}, nil
}

// Conn returns the connection. Close closes it.
func (b *Bus) Conn() *nats.Conn { return b.nc }

// Embedded reports whether the server runs in this process.
func (b *Bus) Embedded() bool { return b.server != nil }

// URL is where other programs can connect, without user and password. It is empty when the server does not listen.
func (b *Bus) URL() string {
	if b.server != nil {
		return b.server.URL()
	}
	return redact(b.nc.Opts.Servers...)
}

// WebSocketURL is where browsers can connect to a server in this process. It is empty without a WebSocket, and for a
// server elsewhere.
func (b *Bus) WebSocketURL() string {
	if b.server == nil {
		return ""
	}
	return b.server.WebSocketURL()
}

// DataDir is the data directory of a server in this process. It is empty for a server elsewhere and for one that stores
// nothing.
func (b *Bus) DataDir() string {
	if b.server == nil {
		return ""
	}
	return b.server.DataDir()
}

// Close first waits, for at most Config.Timeout, until the messages that have arrived are handled. Then it closes the
// connection and shuts down the server, if that runs in this process. If this takes more than 10 s longer, Close
// returns an error and the shutdown continues in the background. Close can be called more than once.
func (b *Bus) Close() error {
	b.closing.Do(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.drain()
			if b.server != nil {
				b.server.Shutdown()
			}
		}()
		deadline := time.NewTimer(b.timeout + shutdownTimeout)
		defer deadline.Stop()
		select {
		case <-done:
		case <-deadline.C:
			b.err = errors.New("closing the bus: the connection or the server has not ended in time")
		}
	})
	return b.err
}

func (b *Bus) drain() {
	defer b.nc.Close()
	closed := b.nc.StatusChanged(nats.CLOSED)
	if err := b.nc.Drain(); err != nil { // disconnected or closed: nothing to drain
		return
	}
	deadline := time.NewTimer(b.timeout)
	defer deadline.Stop()
	select {
	case <-closed:
	case <-deadline.C:
	}
}

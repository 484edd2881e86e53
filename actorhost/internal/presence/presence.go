// Package presence keeps a host on the bus: its lease, its subscriptions while it has the lease, and the other hosts.
package presence

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
)

// Presence is a host's place on the bus. It is safe for concurrent use.
type Presence struct {
	Config
	Peers
	Programs    Programs
	session     atomic.Pointer[Session]
	disconnects chan nats.Status // has an element once the connection is lost: see Session.ValidAt
	rejoining   sync.Mutex       // held while a lost session is replaced
	lease       atomic.Int64     // see adaptLease, of which one goroutine is at a time
	counted     time.Time
}

// New returns a Presence that has not joined the bus yet. Callers must Close it.
func New(config Config) *Presence {
	p := &Presence{Config: config, disconnects: config.Conn.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)}
	p.Peers.config, p.Programs.config = &p.Config, &p.Config
	return p
}

// Close releases what New has registered.
func (p *Presence) Close() { p.Conn.RemoveStatusListener(p.disconnects) }

// Session returns the current session, nil before Join.
func (p *Presence) Session() *Session { return p.session.Load() }

// renewPause is the pause after a failed renewal. While a cluster elects a new leader, several tries may fail.
const renewPause = 50 * time.Millisecond

// Keep renews the lease three times in its life, and whenever the connection comes back. If the lease is lost, Keep
// starts a new session. It returns when the host ends.
func (p *Presence) Keep() {
	s := p.Session()
	connected := p.Conn.StatusChanged(nats.CONNECTED)
	defer p.Conn.RemoveStatusListener(connected)
	wait := p.leaseNow() / 3
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-p.Ctx.Done():
			return
		case <-connected:
		case <-timer.C:
		}
		ctx, cancel := context.WithTimeout(p.Ctx, wait/2)
		p.adaptLease(ctx)
		wait = p.leaseNow() / 3
		switch err := s.renew(ctx); {
		case err == nil:
			timer.Reset(wait)
		case errors.Is(err, store.ErrConflict):
			p.Logger.Error("the lease is lost, another host may own this host's actors: starting a new session", slog.String("host", s.ID))
			if s = p.rejoin(s); s == nil {
				cancel()
				return
			}
			timer.Reset(wait)
		case p.Ctx.Err() != nil: // the host has stopped
		default:
			p.Logger.Warn("renewing the lease failed", slog.String("host", s.ID), slog.Any("error", err))
			timer.Reset(renewPause)
		}
		cancel()
	}
}

// rejoin gives up all that a lost session held, and starts a new one as soon as the bus allows. It returns nil if the
// host stops first.
func (p *Presence) rejoin(lost *Session) *Session {
	p.rejoining.Lock()
	defer p.rejoining.Unlock()
	_ = lost.stopListening() // fails only if the connection is closed
	p.Evict()
	p.Go(func() { _ = lost.Journal.Close(p.Ctx) }) // what is left in it, the next owner recovers
	for p.UntilStop.Err() == nil {
		ctx, cancel := context.WithTimeout(p.UntilStop, p.Lease)
		s, err := p.Join(ctx)
		cancel()
		if err == nil {
			return s
		}
		if p.UntilStop.Err() == nil {
			p.Logger.Error("starting a new session failed", slog.Any("error", err))
		}
		pause.For(p.UntilStop, p.Lease/4)
	}
	return nil
}

// LeaveRoutes leaves the queue groups for calls: new calls go to other hosts. Calls that have arrived are still
// answered.
func (p *Presence) LeaveRoutes() error {
	p.rejoining.Lock()
	defer p.rejoining.Unlock()
	return p.Session().leaveRoutes()
}

// Package presence keeps a host on the bus: its lease, what it listens to as long as it has that, and which other hosts
// are there.
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

// Presence is a host on the bus. It is safe for concurrent use.
type Presence struct {
	Config
	Peers
	session     atomic.Pointer[Session]
	disconnects chan nats.Status // has something as soon as the connection is lost: see Session.Valid
	rejoining   sync.Mutex       // held while one session succeeds another
}

// New returns a Presence that is not on the bus yet. Callers must Close it.
func New(config Config) *Presence {
	p := &Presence{Config: config, disconnects: config.Conn.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED)}
	p.Peers.config = &p.Config
	return p
}

// Close ends what New has begun.
func (p *Presence) Close() { p.Conn.RemoveStatusListener(p.disconnects) }

// Session is the one that the host is in. It is nil before Join.
func (p *Presence) Session() *Session { return p.session.Load() }

// renewPause is the pause after a failed renewal. On a cluster, the election of a new leader may need several tries.
const renewPause = 50 * time.Millisecond

// Keep renews the lease three times in its life and whenever the connection has come back, and starts a new session when
// it is lost. It returns when the host ends.
func (p *Presence) Keep() {
	s := p.Session()
	connected := p.Conn.StatusChanged(nats.CONNECTED)
	defer p.Conn.RemoveStatusListener(connected)
	wait := p.Lease / 3
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
		switch err := s.renew(ctx); {
		case err == nil:
			timer.Reset(wait)
		case errors.Is(err, store.ErrConflict):
			p.Logger.Error("the lease is lost, another host may own our actors: starting anew", slog.String("host", s.ID))
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

// rejoin gives up all that a lost session held, and starts a new one as soon as the bus lets it, or none when the host
// stops.
func (p *Presence) rejoin(lost *Session) *Session {
	p.rejoining.Lock()
	defer p.rejoining.Unlock()
	_ = lost.stopListening() // a connection that is closed listens to nothing
	p.Evict()
	p.Go(func() { _ = lost.Journal.Close(p.Ctx) }) // as much is left for who takes over
	for p.UntilStop.Err() == nil {
		ctx, cancel := context.WithTimeout(p.UntilStop, p.Lease)
		s, err := p.Join(ctx)
		cancel()
		if err == nil {
			return s
		}
		if p.UntilStop.Err() == nil {
			p.Logger.Error("starting anew failed", slog.Any("error", err))
		}
		pause.For(p.UntilStop, p.Lease/4)
	}
	return nil
}

// LeaveRoutes leaves the queue groups of the calls: new ones go to other hosts. What has already arrived is still answered.
func (p *Presence) LeaveRoutes() error {
	p.rejoining.Lock()
	defer p.rejoining.Unlock()
	return p.Session().leaveRoutes()
}

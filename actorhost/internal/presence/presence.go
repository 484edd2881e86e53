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
	Stores
	Programs  Programs
	session   atomic.Pointer[Session]
	calls     linkState     // of the connection for calls: see Session.ValidAt
	control   linkState     // of that for the lease
	restarts  chan struct{} // has an element once Restart is called
	rejoining sync.Mutex    // held while a lost session is replaced
	lease     atomic.Int64  // see adaptLease, of which one goroutine is at a time
	counted   time.Time
	lapsed    bool         // as Config.Lapse was told
	lost      atomic.Int64 // leases
}

// New returns a Presence that has not joined the bus yet. Callers must Close it.
func New(config Config) *Presence {
	p := &Presence{Config: config, restarts: make(chan struct{}, 1)}
	p.calls, p.control = watchLink(config.Conn), watchLink(config.Control)
	p.Peers.config, p.Stores.config, p.Programs.config = &p.Config, &p.Config, &p.Config
	return p
}

// Lost is how many leases were lost: each time the host has started anew, under another id.
func (p *Presence) Lost() int64 { return p.lost.Load() }

// Close releases what New has registered.
func (p *Presence) Close() {
	p.calls.close()
	p.control.close()
}

// linkState tells what becomes of a connection.
type linkState struct {
	nc   *nats.Conn
	lost chan nats.Status // has an element once the connection is lost
	back chan nats.Status // has an element once it is back
}

func watchLink(nc *nats.Conn) linkState {
	return linkState{
		nc: nc, lost: nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED), back: nc.StatusChanged(nats.CONNECTED),
	}
}

func (l *linkState) close() {
	l.nc.RemoveStatusListener(l.lost)
	l.nc.RemoveStatusListener(l.back)
}

// wasLost reports whether the connection was lost since it was last asked.
func (l *linkState) wasLost() (lost bool) {
	for len(l.lost) > 0 {
		lost = true
		<-l.lost
	}
	return lost
}

// Session returns the current session, nil before Join.
func (p *Presence) Session() *Session { return p.session.Load() }

// renewPause is the pause after a failed renewal. While a cluster elects a new leader, several tries may fail.
const renewPause = 50 * time.Millisecond

// Restart has Keep start a new session, as if the lease were lost. It does not wait. The session of before is not valid from
// now on.
func (p *Presence) Restart() {
	p.Session().revoked.Store(true)
	p.Stores.forget()
	select {
	case p.restarts <- struct{}{}:
	default:
	}
}

// What may fail for long.
const (
	renewing  = "renewing the lease failed"
	rejoining = "starting a new session failed"
)

// pauseAfter is renewPause, or longer if the fault is one that lasts.
func (p *Presence) pauseAfter(err error) time.Duration {
	if store.Lasts(err) {
		return p.Lease / 12
	}
	return renewPause
}

// Keep renews the lease three times in its life, and whenever the connection comes back. If the lease is lost, Keep
// starts a new session. It returns when the host ends.
func (p *Presence) Keep() {
	s := p.Session()
	wait := p.leaseNow() / 3
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-p.Ctx.Done():
			return
		case <-p.calls.back:
		case <-p.control.back:
		case <-timer.C:
		case <-p.restarts:
			if s = p.rejoin(s); s == nil {
				return
			}
			p.lapsed = false
			timer.Reset(wait)
			continue
		}
		ctx, cancel := context.WithTimeout(p.Ctx, wait/2)
		p.adaptLease(ctx)
		wait = p.leaseNow() / 3
		switch err := s.renew(ctx); {
		case err == nil:
			p.Faults.Works(renewing, slog.String("host", s.ID))
			timer.Reset(wait)
		case errors.Is(err, store.ErrConflict):
			p.Logger.Error("the lease is lost, another host may own this host's actors: starting a new session", slog.String("host", s.ID))
			p.Restart()
		case p.Ctx.Err() != nil: // the host has stopped
		default:
			p.Faults.Failed(renewing, store.Cause(err), err, slog.String("host", s.ID))
			timer.Reset(p.pauseAfter(err))
		}
		p.tellLapse(s)
		cancel()
	}
}

// tellLapse tells whether the lease has run out, when that has changed.
func (p *Presence) tellLapse(s *Session) {
	if over := s.Lapsed(); over != p.lapsed {
		p.lapsed = over
		p.Lapse(over)
	}
}

// rejoin gives up all that a lost session held, and starts a new one as soon as the bus allows. It returns nil if the
// host stops first.
func (p *Presence) rejoin(lost *Session) *Session {
	p.rejoining.Lock()
	defer p.rejoining.Unlock()
	select {
	case <-p.restarts: // asked for again meanwhile
	default:
	}
	p.lost.Add(1)
	_ = lost.stopListening() // fails only if the connection is closed
	p.Evict()
	p.Go(func() { _ = lost.Journal.Close(p.Ctx) }) // what is left in it, the next owner recovers
	for wait := renewPause; p.UntilStop.Err() == nil; wait = min(2*wait, p.Lease/4) {
		ctx, cancel := context.WithTimeout(p.UntilStop, p.Lease)
		s, err := p.Join(ctx)
		cancel()
		if err == nil {
			p.Faults.Works(rejoining, slog.String("host", s.ID))
			p.Logger.Info("the host takes calls under a new id", slog.String("host", s.ID), slog.String("was", lost.ID))
			return s
		}
		if p.UntilStop.Err() == nil {
			p.Faults.Failed(rejoining, store.Cause(err), err)
		}
		pause.For(p.UntilStop, wait)
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

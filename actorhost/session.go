package actorhost

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// session is a host's presence on the bus under one id, from the first write of its lease to the last. A host that has
// lost its lease starts a new session under a new id: what it held in the old one is no longer its own.
type session struct {
	id    string
	host  *Host
	entry store.HostEntry
	// What many actors change at the same moment goes here.
	journal *store.Journal
	// stranded is whether it has what is not in the record of an actor that is not awake any more.
	stranded atomic.Bool

	// until is when the lease runs out by the clock of the host. It starts before the write that renews it, so it is never
	// later than the server's.
	until atomic.Int64
	// away is whether the connection was lost before that write was sent, and it has not succeeded since. While the
	// connection was away others may have revoked the lease.
	away atomic.Bool

	mu       sync.Mutex // held for each write of the lease
	revision uint64
	routes   []*nats.Subscription
	own      *nats.Subscription
	asked    []*nats.Subscription
}

// join starts a session and takes calls in it.
func (h *Host) join(ctx context.Context) (_ *session, err error) {
	s := &session{id: strings.ToLower(rand.Text()[:12]), host: h}
	s.entry = store.HostEntry{
		ID: s.id, Name: h.config.Name, Types: slices.Sorted(maps.Keys(h.types)), Features: record.Features(), Started: time.Now().UTC(),
	}
	if err := s.renew(ctx); err != nil {
		return nil, fmt.Errorf("taking a lease: %w", err)
	}
	if s.journal, err = h.journals.Open(ctx, s.id); err != nil {
		return nil, err // the lease runs out by itself
	}
	h.session.Store(s)
	if err := s.listen(ctx); err != nil {
		_ = s.leave()
		return nil, errors.Join(err, s.journal.Close(ctx))
	}
	return s, nil
}

func (s *session) listen(ctx context.Context) error {
	h := s.host
	s.mu.Lock()
	defer s.mu.Unlock()
	guard := rpc.NewGuard(ctx, h.nc, h.needs)
	defer guard.End()
	own, err := h.nc.ChanSubscribe(h.ns.HostAll(s.id), h.inbox)
	if err != nil {
		return fmt.Errorf("subscribing as a host: %w", err)
	}
	s.own = own
	for name := range h.types {
		route, err := h.nc.ChanQueueSubscribe(h.ns.RouteType(name), wire.QueueGroup, h.inbox)
		if err != nil {
			return fmt.Errorf("subscribing to calls of %s: %w", name, err)
		}
		s.routes = append(s.routes, route)
		if err := h.tryCalls(name); err != nil {
			return fmt.Errorf("subscribing to calls of %s: %w", name, err)
		}
	}
	if err := s.announce(); err != nil {
		return fmt.Errorf("subscribing as a service: %w", err)
	}
	if err := guard.Flush(startTimeout); err != nil {
		return fmt.Errorf("subscribing as a host: %w", err)
	}
	return nil
}

// valid reports whether the lease certainly has not run out, and was renewed since the connection came back. Without it
// the host sends no reply and writes no record.
func (s *session) valid() bool { return s.validAt(s.host.now()) }

// validAt is valid for who has just looked at the time.
func (s *session) validAt(now time.Duration) bool {
	return int64(now) < s.until.Load() && len(s.host.lost) == 0 && !s.away.Load()
}

// renew writes the lease.
func (s *session) renew(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.host.lost) > 0 {
		s.away.Store(true)
		<-s.host.lost
	}
	sent := s.host.now()
	revision, err := s.host.leases.Renew(ctx, s.entry, s.revision, s.host.config.Lease)
	if errors.Is(err, store.ErrConflict) && s.revision != 0 {
		// Perhaps with an earlier write of our own, whose answer did not come: only what is there now tells.
		found, up, readErr := s.host.leases.Revision(ctx, s.id)
		switch {
		case readErr != nil:
			return readErr
		case up:
			s.revision = found
			revision, err = s.host.leases.Renew(ctx, s.entry, found, s.host.config.Lease)
		}
	}
	if err != nil {
		return err
	}
	s.revision = revision
	s.away.Store(false)
	s.until.Store(int64(sent + s.host.config.Lease))
	return nil
}

// leaveRoutes leaves the queue groups. What has already arrived in them is still answered.
func (s *session) leaveRoutes() error {
	s.mu.Lock()
	routes := s.routes
	s.routes = nil
	s.mu.Unlock()
	var errs []error
	for _, route := range routes {
		errs = append(errs, unlessClosed(route.Drain()))
	}
	return errors.Join(errs...)
}

// leave stops listening. From here on the session is not valid.
func (s *session) leave() error {
	err := s.leaveRoutes()
	s.until.Store(0)
	s.mu.Lock()
	own, asked := s.own, s.asked
	s.own, s.asked = nil, nil
	s.mu.Unlock()
	for _, sub := range asked {
		err = errors.Join(err, unlessClosed(sub.Unsubscribe()))
	}
	if own != nil {
		err = errors.Join(err, unlessClosed(own.Drain()))
	}
	return err
}

// releaseTimeout is what there is at least to give a lease back, also when the time of a stop is over: without it, the
// actors of the host would have to wait until the lease has run out.
const releaseTimeout = time.Second

// end stops listening and gives the lease back.
func (s *session) end(ctx context.Context) error {
	err := s.leave()
	if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && time.Until(deadline) < releaseTimeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
	}
	err = errors.Join(err, s.journal.Close(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	revokeErr := s.host.leases.Revoke(ctx, s.id, s.revision)
	if errors.Is(revokeErr, store.ErrConflict) { // revoked already, or renewed by a write whose answer did not come
		found, up, readErr := s.host.leases.Revision(ctx, s.id)
		if revokeErr = readErr; up {
			revokeErr = s.host.leases.Revoke(ctx, s.id, found)
		}
	}
	if revokeErr != nil && !errors.Is(revokeErr, store.ErrConflict) {
		err = errors.Join(err, fmt.Errorf("giving the lease back: %w", revokeErr))
	}
	return err
}

// renewAgain is the pause after a failed renewal. On a cluster, the election of a new leader may need several tries.
const renewAgain = 50 * time.Millisecond

// keepLease renews the lease three times in its life and whenever the connection has come back, and starts a new
// session when it is lost.
func (h *Host) keepLease(s *session) {
	connected := h.nc.StatusChanged(nats.CONNECTED)
	defer h.nc.RemoveStatusListener(connected)
	wait := h.config.Lease / 3
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-h.quit:
			return
		case <-h.ctx.Done():
			return
		case <-connected:
		case <-timer.C:
		}
		ctx, cancel := context.WithTimeout(h.ctx, wait/2)
		switch err := s.renew(ctx); {
		case err == nil:
			timer.Reset(wait)
		case errors.Is(err, store.ErrConflict):
			h.config.Logger.Error("the lease is lost, another host may own our actors: starting anew", slog.String("host", s.id))
			if s = h.rejoin(s); s == nil {
				cancel()
				return
			}
			timer.Reset(wait)
		case h.ctx.Err() != nil: // the host has stopped
		default:
			h.config.Logger.Warn("renewing the lease failed", slog.String("host", s.id), slog.Any("error", err))
			timer.Reset(renewAgain)
		}
		cancel()
	}
}

// rejoin gives up all that a lost session held, and starts a new one as soon as the bus lets it, or none when the host
// stops.
func (h *Host) rejoin(lost *session) *session {
	h.rejoining.Lock()
	defer h.rejoining.Unlock()
	_ = lost.leave() // a connection that is closed listens to nothing
	h.mu.Lock()
	activations := slices.Collect(maps.Values(h.active))
	h.mu.Unlock()
	for _, a := range activations {
		a.end(dropWork)
	}
	h.work.Go(func() { _ = lost.journal.Close(h.ctx) }) // as much is left for who takes over
	for h.staying.Err() == nil {
		ctx, cancel := context.WithTimeout(h.staying, h.config.Lease)
		s, err := h.join(ctx)
		cancel()
		if err == nil {
			return s
		}
		if h.staying.Err() == nil {
			h.config.Logger.Error("starting anew failed", slog.Any("error", err))
		}
		pause(h.staying, h.config.Lease/4)
	}
	return nil
}

func unlessClosed(err error) error {
	if errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription) {
		return nil
	}
	return err
}

package presence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Session is a host's presence under one id, from the first write of its lease to the last. A host that has lost its
// lease starts a new session with a new id. It no longer owns what it held before.
type Session struct {
	ID      string         // random
	Journal *store.Journal // for changes of many actors at the same moment
	// Unflushed reports whether the journal has changes of an actor that sleeps again and whose record lacks them.
	Unflushed atomic.Bool

	p     *Presence
	entry store.HostEntry

	// validUntil is when the lease runs out, on the host's clock. It is counted from before the write that renewed the
	// lease, so it is never later than on the server.
	validUntil atomic.Int64
	// revoked: the session has ended, whatever becomes of its lease.
	revoked atomic.Bool
	// disconnected reports whether a connection was lost, and no renewal sent after that has succeeded yet. While the
	// host was disconnected, others may have revoked the lease.
	disconnected atomic.Bool
	// unrenewed is why the last renewal failed; nil after one that has succeeded. refused is why one was refused since then.
	unrenewed, refused atomic.Pointer[error]

	mu          sync.Mutex // held during each write of the lease
	revision    uint64
	heard       uint64 // messages, by the connection for calls
	routes      []*nats.Subscription
	hostSub     *nats.Subscription
	serviceSubs []*nats.Subscription
}

// Join starts a session and begins to take calls in it.
func (p *Presence) Join(ctx context.Context) (_ *Session, err error) {
	s := &Session{ID: strings.ToLower(rand.Text()[:12]), p: p}
	s.entry = store.HostEntry{ID: s.ID, Name: p.Name, Program: p.Program, Features: record.Features(), Started: time.Now().UTC()}
	s.entry.SetTypes(p.Types)
	for !p.Conn.IsConnected() { // as renew wants
		if !pause.For(ctx, renewPause) {
			return nil, fmt.Errorf("taking a lease: %w", wire.ErrDisconnected)
		}
	}
	p.adaptLease(ctx)
	if err := s.renew(ctx); err != nil {
		return nil, fmt.Errorf("taking a lease: %w", err)
	}
	if s.Journal, err = p.Journals.Open(ctx, s.ID); err != nil {
		return nil, err // the lease runs out by itself
	}
	if err := p.Programs.announce(ctx); err != nil {
		return nil, errors.Join(err, s.Journal.Close(ctx))
	}
	p.session.Store(s)
	if err := s.listen(ctx); err != nil {
		_ = s.stopListening()
		return nil, errors.Join(err, s.Journal.Close(ctx))
	}
	return s, nil
}

// joinTimeout limits how long the server may take to confirm a session's subscriptions, and to carry the host's first
// message to itself.
const joinTimeout = 30 * time.Second

func (s *Session) listen(ctx context.Context) error {
	p := s.p
	s.mu.Lock()
	defer s.mu.Unlock()
	guard := link.NewGuard(ctx, p.Conn, Needs(p.Conn, p.Namespace, p.Durable))
	defer guard.End()
	own, err := p.Conn.ChanSubscribe(p.Namespace.HostAll(s.ID), p.Inbox)
	if err != nil {
		return fmt.Errorf("subscribing as a host: %w", err)
	}
	s.hostSub = own
	all, err := p.Conn.ChanSubscribe(p.Namespace.Stores(), p.Inbox)
	if err != nil {
		return fmt.Errorf("subscribing as a host: %w", err)
	}
	s.serviceSubs = append(s.serviceSubs, all)
	if err := s.answerPings(ctx); err != nil {
		return fmt.Errorf("subscribing as a host: %w", err)
	}
	for _, name := range p.Types {
		route, err := p.Conn.ChanQueueSubscribe(p.Namespace.RouteType(name), wire.QueueGroup, p.Inbox)
		if err != nil {
			return fmt.Errorf("subscribing to calls of %s: %w", name, err)
		}
		s.routes = append(s.routes, route)
		if err := p.tryCallSubscription(name); err != nil {
			return fmt.Errorf("subscribing to calls of %s: %w", name, err)
		}
	}
	if err := s.subscribeService(); err != nil {
		return fmt.Errorf("subscribing as a service: %w", err)
	}
	if err := guard.Flush(joinTimeout); err != nil {
		return fmt.Errorf("subscribing as a host: %w", err)
	}
	return nil
}

// answerPings answers the other hosts on the connection with the lease, as long as that lasts: who is up by it counts as up,
// however many calls there are.
func (s *Session) answerPings(ctx context.Context) error {
	p := s.p
	guard := link.NewGuard(ctx, p.Control, Needs(p.Control, p.Namespace, p.Durable))
	defer guard.End()
	sub, err := p.Control.Subscribe(p.Namespace.Ping(s.ID), func(msg *nats.Msg) {
		if msg.Reply != "" && p.Namespace.IsInbox(msg.Reply) && !s.Lapsed() { // else another may take over
			_ = p.Control.Publish(msg.Reply, []byte(p.Name)) // without a connection there is nobody to tell
		}
	})
	if err != nil {
		return err
	}
	s.serviceSubs = append(s.serviceSubs, sub)
	return guard.Flush(joinTimeout)
}

// Valid reports whether the lease certainly has not run out, and was renewed since the connection came back. Otherwise
// the host must not send replies or write records.
func (s *Session) Valid() bool { return s.ValidAt(s.p.Clock.Now()) }

// ValidAt is Valid for a caller that has just read the host's clock.
func (s *Session) ValidAt(now time.Duration) bool {
	return int64(now) < s.validUntil.Load() && !s.revoked.Load() && len(s.p.calls.lost) == 0 && len(s.p.control.lost) == 0 &&
		!s.disconnected.Load()
}

// Lapsed reports whether the lease has run out.
func (s *Session) Lapsed() bool { return int64(s.p.Clock.Now()) >= s.validUntil.Load() }

// Over reports whether the session is never going to be valid again, or its lease has run out.
func (s *Session) Over() bool { return s.revoked.Load() || s.Lapsed() }

// ErrNoLease is why a host does not serve: it cannot prove that it has its lease.
var ErrNoLease = errors.New("the host has lost its lease")

// Err says why the session is not valid, as an [ErrNoLease] with the reason for which the lease could not be renewed.
func (s *Session) Err() error {
	why, refused := s.unrenewed.Load(), s.refused.Load()
	switch {
	case why == nil:
		return ErrNoLease
	case refused != nil && refused != why:
		return fmt.Errorf("%w: %w; before that: %v", ErrNoLease, *why, *refused) //nolint:errorlint // it is why no longer
	}
	return fmt.Errorf("%w: %w", ErrNoLease, *why)
}

// Lasts reports whether the lease could not be renewed for a reason that lasts: see [store.Lasts].
func (s *Session) Lasts() bool {
	why := s.unrenewed.Load()
	return why != nil && store.Lasts(*why)
}

// renew writes the lease.
func (s *Session) renew(ctx context.Context) error {
	err := s.tryRenew(ctx)
	switch {
	case err == nil:
		s.unrenewed.Store(nil)
		s.refused.Store(nil)
	case !errors.Is(err, store.ErrOutcomeUnknown):
		s.refused.Store(&err)
		fallthrough
	default:
		s.unrenewed.Store(&err)
	}
	return err
}

func (s *Session) tryRenew(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if calls, control := s.p.calls.wasLost(), s.p.control.wasLost(); calls || control {
		s.disconnected.Store(true)
	}
	if err := s.hearsCalls(ctx); err != nil { // whoever does not must not keep its actors
		return err
	}
	if s.disconnected.Load() {
		if err := s.p.Verify(ctx); err != nil {
			return err
		}
	}
	sent, lease := s.p.Clock.Now(), s.p.leaseNow()
	revision, err := s.p.Leases.Renew(ctx, s.entry, s.revision, lease)
	if errors.Is(err, store.ErrConflict) && s.revision != 0 {
		// Perhaps the conflict is with an earlier write of ours that was not acknowledged. Only the current entry
		// tells.
		found, up, readErr := s.p.Leases.Revision(ctx, s.ID)
		switch {
		case readErr != nil:
			return readErr
		case up && found > s.revision: // a lower one is of a stream that was put back to an older copy
			s.revision = found
			revision, err = s.p.Leases.Renew(ctx, s.entry, found, lease)
		}
	}
	if err != nil {
		return err
	}
	s.revision = revision
	s.disconnected.Store(false)
	s.validUntil.Store(int64(sent + lease))
	return nil
}

// hearsCalls returns an error if nothing has come by the connection for calls since the last time, and its server does not answer
// either. While there are many calls the answer would wait behind them. The caller holds s.mu.
func (s *Session) hearsCalls(ctx context.Context) error {
	nc, before := s.p.Conn, s.heard
	if !nc.IsConnected() {
		return wire.ErrDisconnected
	}
	if s.heard = nc.Stats().InMsgs; s.heard != before {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.p.leaseNow()/6)
	defer cancel()
	if err := nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("the connection for calls does not answer: %w", err)
	}
	return nil
}

// leaveRoutes leaves the queue groups. Calls that have arrived are still answered.
func (s *Session) leaveRoutes() error {
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

// stopListening ends the session's subscriptions. From now on the session is not valid.
func (s *Session) stopListening() error {
	err := s.leaveRoutes()
	s.revoked.Store(true)
	s.mu.Lock()
	own, asked := s.hostSub, s.serviceSubs
	s.hostSub, s.serviceSubs = nil, nil
	s.mu.Unlock()
	for _, sub := range asked {
		err = errors.Join(err, unlessClosed(sub.Unsubscribe()))
	}
	if own != nil {
		err = errors.Join(err, unlessClosed(own.Drain()))
	}
	return err
}

// releaseTimeout is the least time to give the lease back, even if the time of a stop is over. Otherwise the host's
// actors would wait until the lease runs out.
const releaseTimeout = time.Second

// End stops listening and gives the lease back.
func (s *Session) End(ctx context.Context) error {
	err := s.stopListening()
	if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && time.Until(deadline) < releaseTimeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
	}
	err = errors.Join(err, s.Journal.Close(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	revokeErr := s.p.Leases.Revoke(ctx, s.ID, s.revision)
	if errors.Is(revokeErr, store.ErrConflict) { // it was revoked, or renewed by a write that was not acknowledged
		found, up, readErr := s.p.Leases.Revision(ctx, s.ID)
		if revokeErr = readErr; up {
			revokeErr = s.p.Leases.Revoke(ctx, s.ID, found)
		}
	}
	if revokeErr != nil && !errors.Is(revokeErr, store.ErrConflict) {
		err = errors.Join(err, fmt.Errorf("giving the lease back: %w", revokeErr))
	}
	return err
}

// unlessClosed ignores the error of a subscription that has ended with its connection.
func unlessClosed(err error) error {
	if errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription) {
		return nil
	}
	return err
}

// subscribeService subscribes to the requests to all NATS services, to those of the namespace, and to this host
// (ADR-32).
func (s *Session) subscribeService() error {
	for _, verb := range []micro.Verb{micro.PingVerb, micro.InfoVerb, micro.StatsVerb} {
		for _, who := range [][2]string{{}, {s.p.Namespace.Name()}, {s.p.Namespace.Name(), s.ID}} {
			subject, err := micro.ControlSubject(verb, who[0], who[1])
			if err != nil {
				return err
			}
			sub, err := s.p.Conn.ChanSubscribe(subject, s.p.ServiceRequests)
			if err != nil {
				return err
			}
			s.serviceSubs = append(s.serviceSubs, sub)
		}
	}
	return nil
}

// Features returns the record features that the lease lists: see [record.Features].
func (s *Session) Features() []string { return s.entry.Features }

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/link"
)

// use is what somebody does with a connection.
type use int

const (
	aCall   use = iota
	aStream     // of events
	uses
)

func (u use) String() string { return [uses]string{"calls", "streams"}[u] }

// shareOfOne is the part of all calls and streams that one user may have under way.
const shareOfOne = 4

// How long connecting may take, and how many connect at a time: whoever guesses passwords has the server asked for each.
const (
	connectTime   = 10 * time.Second
	maxConnecting = 16
)

// closeTime bounds how long handlers of events may take when a connection is closed. They never wait.
const closeTime = time.Second

// user is a connection to NATS of somebody who calls.
type user struct {
	credentials Credentials
	ready       chan struct{} // closed once it is connected, or has failed
	nc          *nats.Conn
	client      *client.Client
	err         error

	under [uses]int   // way. Guarded by users.mu, like what follows
	since time.Time   // nothing is under way
	idle  *time.Timer // nil while something is
	left  bool        // it is not among the users any more
}

// users are the connections, one for each user. Each has what the server allows that user.
type users struct {
	config     Config
	connecting chan struct{}
	closing    chan struct{} // closed when no more may come

	mu     sync.Mutex
	all    map[Credentials]*user
	closed bool
	under  [uses]int
	limits [uses]int
	busy   sync.WaitGroup // whoever is in; it grows under mu, while nothing is closed
	ending sync.WaitGroup // connections that are being closed
}

func newUsers(config Config) *users {
	return &users{
		config: config, connecting: make(chan struct{}, maxConnecting), closing: make(chan struct{}),
		all: make(map[Credentials]*user), limits: [uses]int{aCall: config.Calls, aStream: config.Streams},
	}
}

var errClosing = &troupe.Error{Code: troupe.CodeUnavailable, Message: "the gateway stops", Retryable: true}

// enter returns the connection of a user, and makes it if there is none. Whoever gets one has to leave it.
func (s *users) enter(ctx context.Context, credentials Credentials, to use) (*user, error) {
	u, made, err := s.admit(credentials, to)
	if err != nil {
		return nil, err
	}
	if made {
		u.err = s.connect(ctx, u)
		close(u.ready)
	}
	select {
	case <-u.ready:
		err = u.err
	case <-ctx.Done():
		err = errs.New(troupe.CodeCanceled, "the caller gave up")
	}
	select {
	case <-s.closing:
		err = errClosing
	default:
	}
	if err != nil {
		if made {
			s.mu.Lock()
			s.remove(u)
			s.mu.Unlock()
		}
		s.leave(u, to)
		return nil, err
	}
	return u, nil
}

// admit counts somebody in, if there is room.
func (s *users) admit(credentials Credentials, to use) (u *user, made bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u = s.all[credentials]
	if u != nil && u.refused() {
		s.remove(u)
		u = nil
	}
	share := max(s.limits[to]/shareOfOne, 1)
	switch {
	case s.closed:
		return nil, false, errClosing
	case s.under[to] >= s.limits[to]:
		return nil, false, errs.Overloaded("%d %s are under way, as many as may be", s.limits[to], to)
	case u != nil && u.under[to] >= share:
		return nil, false, errs.Overloaded("%d %s of this user are under way, as many as may be", share, to)
	case u == nil && len(s.all) >= s.config.Users && !s.removeIdle():
		return nil, false, errs.Overloaded("%d users are here, as many as may be", s.config.Users)
	case u == nil:
		u, made = &user{credentials: credentials, ready: make(chan struct{})}, true
		s.all[credentials] = u
	}
	if u.idle != nil {
		u.idle.Stop()
		u.idle = nil
	}
	u.under[to]++
	s.under[to]++
	s.busy.Add(1)
	return u, made, nil
}

// leave is the end of what somebody has entered for.
func (s *users) leave(u *user, from use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.under[from]--
	s.under[from]--
	s.busy.Done()
	switch {
	case u.under != [uses]int{}:
	case u.left:
		s.end(u)
	default:
		u.since = time.Now()
		var timer *time.Timer
		timer = time.AfterFunc(s.config.Idle, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if u.idle == timer {
				s.remove(u)
			}
		})
		u.idle = timer
	}
}

// remove forgets a connection, and ends it once nothing is under way. The caller holds s.mu.
func (s *users) remove(u *user) {
	if u.left {
		return
	}
	u.left = true
	delete(s.all, u.credentials)
	if u.idle != nil {
		u.idle.Stop()
		u.idle = nil
	}
	if u.under == [uses]int{} {
		s.end(u)
	}
}

// removeIdle removes the user who has been idle for longest, if one is. The caller holds s.mu.
func (s *users) removeIdle() bool {
	var oldest *user
	for _, u := range s.all {
		if u.idle != nil && (oldest == nil || u.since.Before(oldest.since)) {
			oldest = u
		}
	}
	if oldest != nil {
		s.remove(oldest)
	}
	return oldest != nil
}

// end closes the connection of a user who was removed, and for whom nothing is under way.
func (s *users) end(u *user) {
	if u.client == nil {
		return // it has not come to one
	}
	s.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		if err := u.client.Close(ctx); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			s.config.Logger.Warn("closing the client of a user failed", "error", err)
		}
		u.nc.Close()
	})
}

// connect connects a user. Others may wait for it, so it goes on if the request is given up.
func (s *users) connect(ctx context.Context, u *user) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTime)
	defer cancel()
	select {
	case s.connecting <- struct{}{}:
		defer func() { <-s.connecting }()
	case <-ctx.Done():
		return errs.Overloaded("too many users come at a time")
	}
	nc, err := s.config.Connect(ctx, u.credentials)
	switch {
	case isRefusal(err):
		return problemf(http.StatusUnauthorized, codeUnauthenticated, "NATS does not let the user in: %v", err)
	case err != nil:
		return errs.Unavailable("connecting to NATS: %v", err)
	}
	cl, err := client.New(nc, client.Config{
		Namespace: s.config.Namespace, Codec: codec.JSON, Timeout: s.config.Timeout, EventQueue: queueLength, Intercept: carry,
		Logger: s.config.Logger,
	})
	if err != nil {
		nc.Close()
		if link.IsRefusal(err) {
			return errs.New(troupe.CodeDenied, "the user may not listen to its replies: send the prefix of its inboxes as %s (%v)",
				HeaderInboxPrefix, err)
		}
		return fmt.Errorf("making a client: %w", err)
	}
	u.nc, u.client = nc, cl
	return nil
}

// isRefusal reports whether the server does not let a user in, or no longer.
func isRefusal(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) ||
		errors.Is(err, nats.ErrAccountAuthExpired)
}

// connected reports whether the connection was made.
func (u *user) connected() bool {
	select {
	case <-u.ready:
		return u.nc != nil
	default:
		return false
	}
}

// refused reports whether the server has closed the connection, or does not let the user in again.
func (u *user) refused() bool {
	return u.connected() && (u.nc.IsClosed() || !u.nc.IsConnected() && isRefusal(u.nc.LastError()))
}

// close ends all of it.
func (s *users) close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	s.mu.Unlock()
	left := make(chan struct{})
	go func() { s.busy.Wait(); close(left) }()
	var err error
	select {
	case <-left:
	case <-ctx.Done():
		err = fmt.Errorf("gateway: waiting for what is under way: %w", ctx.Err())
	}
	s.mu.Lock()
	for _, u := range s.all {
		s.remove(u)
		if err != nil && u.connected() {
			u.nc.Close() // without it nothing goes on
		}
	}
	s.mu.Unlock()
	<-left
	s.ending.Wait()
	return err
}

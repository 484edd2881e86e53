package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// Between two sendings of a call that was refused before it started: its actor changes hosts, or its host has just gone.
const firstPause, lastPause = time.Millisecond, 100 * time.Millisecond

// A call without an answer is sent again after the first of these, for its host may have died with it, or before it
// arrived: a caller that waits for an actor on such a host waits little longer than one that comes later. The host where
// the call waits says so, and is asked again after twice as long each time, up to lastPending, or as soon as it turns out
// that it is gone. When nobody says anything, the host may be frozen. The call then goes by the route, where a frozen host
// may still swallow it: so often, with a pause that grows up to lastSilence.
const firstSilence, lastSilence, lastPending = 100 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second

// sendFor is how long a call may be sent again. Hosts remember answers for longer.
const sendFor = 2 * time.Minute

// lastHope is how long a host that stops thinks that another of the type may come: it may be the last.
const lastHope = time.Second

// sending is a call on its way.
type sending struct {
	client   *Client
	call     troupe.Invocation
	origin   origin.Origin
	msg      nats.Msg
	body     []byte // a buffer for that of msg: NATS has copied it when a publish returns
	request  *rpc.Request
	deadline time.Time
	lastSend time.Time // after which it must not be sent any more
	direct   bool
	attempts int
	pause    time.Duration // before the next, if it is refused
	silence  time.Duration // before the next, if nobody says anything
	patience time.Duration // before the next, if it must be somewhere: its host says so, or nobody does yet
	listen   bool          // it has just said so
	host     string        // its id
	wait     bool          // nobody has heard one of its sendings, and nothing is known of the others yet
	unsure   bool          // a sending that was neither answered nor refused may have been run, or may be yet
}

var spareSendings = sync.Pool{New: func() any { return new(sending) }}

// maxPooled keeps a rare large input from staying in memory for ever.
const maxPooled = 64 << 10

// end is for a call whose reply nobody needs any more.
func (s *sending) end() {
	if s.request != nil {
		s.request.End()
	}
	if *s = (sending{body: s.body[:0]}); cap(s.body) <= maxPooled {
		spareSendings.Put(s)
	}
}

// run takes the call to whoever owns the actor and returns the reply, which may be used until the end.
func (s *sending) run(ctx context.Context) (*nats.Msg, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, failure(&s.call, err)
	}
	now := time.Now()
	deadline, given := ctx.Deadline()
	if !given {
		deadline = now.Add(s.client.timeout)
	}
	if given || s.client.timeout != wire.DefaultTimeout { // which is what a host takes for granted
		set(&s.msg, wire.HeaderTimeout, wire.FormatTimeout(deadline.Sub(now)))
	}
	if size := int64(s.msg.Size()); size > wire.AlwaysFits-wire.ForwardRoom {
		if limit := s.client.nc.MaxPayload() - wire.ForwardRoom; size > limit {
			return nil, tooLarge(&s.call, size, limit)
		}
	}
	var err error
	if s.request, err = s.client.requester.Begin(s.call.ID.Tokens(), now); err != nil {
		return nil, failure(&s.call, err)
	}
	s.deadline, s.lastSend = deadline, now.Add(sendFor)
	s.direct, s.pause, s.silence = true, firstPause, firstSilence
	for ; ; now = time.Now() {
		reply, err := s.try(ctx, now)
		switch {
		case err == nil && reply != nil:
			return reply, nil
		case err != nil && s.unsure:
			return nil, unknown(&s.call, err)
		case err != nil:
			return nil, failure(&s.call, err)
		}
	}
}

// prepare makes the message.
func (s *sending) prepare(ctx context.Context) (err error) {
	c := s.client
	if s.body, err = encode(c.codec, s.body[:0], &s.call); err != nil {
		return err
	}
	s.msg = nats.Msg{Subject: c.ns.Call(s.call.ID, s.call.Action), Header: c.header(ctx, s.origin.Chain, &s.call), Data: s.body}
	if s.call.Action == wire.ConnectAction {
		s.msg.Header[wire.HeaderInbox] = []string{c.links.inbox}
	}
	return nil
}

// try sends the call once, or listens on. Without a reply and an error it must be called again.
func (s *sending) try(ctx context.Context, now time.Time) (*nats.Msg, error) {
	listening := s.listen
	reply, err := s.once(ctx, now)
	if err != nil {
		return nil, s.unanswered(ctx, listening, err)
	}
	if host, pending := wire.PendingAt(reply); pending {
		s.unsure, s.listen, s.host = true, true, host
		s.bePatient()
		return nil, nil
	}
	s.client.known.add(s.call.ID.Type())
	failed := wire.DecodeError(reply)
	if failed == nil || !failed.Retryable || failed.Code != troupe.CodeUnavailable && failed.Code != troupe.CodeOutcomeUnknown {
		return reply, nil
	}
	s.unsure = s.unsure || failed.Code == troupe.CodeOutcomeUnknown
	s.byRoute()
	return nil, s.rest(ctx, failed)
}

// unanswered tells what becomes of a call that has come to an error instead of a reply: that error, or nil when it is to be
// tried again.
func (s *sending) unanswered(ctx context.Context, listening bool, err error) error {
	if s.request.Unheard() {
		s.unsure = false
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders) && s.direct: // asleep: at once to those who can wake it
		s.attempts--
		s.byRoute()
		return nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && time.Now().Before(s.deadline):
		s.unsure = true
		if listening {
			s.directly()
		} else if s.silence = min(s.silence+firstSilence, lastSilence); s.attempts > 1 {
			s.byRoute()
		}
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, rpc.ErrAbandoned):
		s.unsure = true
		return err
	case errors.Is(err, troupe.ErrDenied):
		return err
	case errors.Is(err, nats.ErrNoResponders) && s.client.known.has(s.call.ID.Type()): // for now
		err = fmt.Errorf("no host of its type is up: %w", err)
		if s.origin.Host.LeavingFor(lastHope) {
			return &gaveUpError{errLeft, err}
		}
		return s.rest(ctx, err)
	case errors.Is(err, nats.ErrNoResponders) && s.unsure: // so much for one sending: the others may have arrived
		s.wait = true
		s.bePatient()
		return nil
	case s.unsure && !errors.Is(err, nats.ErrConnectionClosed): // disconnected, for now
		return s.rest(ctx, err)
	}
	return err
}

// once sends the call, unless its host has just said that it knows it, and waits for as long as it is worth it.
func (s *sending) once(ctx context.Context, now time.Time) (*nats.Msg, error) {
	left := s.deadline.Sub(now)
	if s.listen {
		s.listen, s.silence = false, firstSilence
		return s.listenOn(ctx, now.Add(min(s.patience, left)))
	}
	if s.wait {
		s.wait = false
		return s.request.Wait(ctx, now.Add(min(s.patience, left)))
	}
	if s.attempts++; s.attempts > 1 {
		s.client.resent.Add(1)
		set(&s.msg, wire.HeaderAttempt, strconv.Itoa(s.attempts))
		set(&s.msg, wire.HeaderTimeout, wire.FormatTimeout(left))
	}
	if now.After(s.lastSend) {
		return s.request.Do(ctx, &s.msg, s.deadline)
	}
	return s.request.Do(ctx, &s.msg, now.Add(min(s.silence, left)))
}

// listenOn waits for the answer of a call that waits at its host, as long as that is there.
func (s *sending) listenOn(ctx context.Context, until time.Time) (*nats.Msg, error) {
	for {
		now := time.Now()
		left := until.Sub(now)
		reply, err := s.request.Wait(ctx, now.Add(min(left, hostEvery)))
		if left <= hostEvery || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || s.client.hostGone(ctx, s.host) {
			return reply, err
		}
	}
}

func (s *sending) bePatient() { s.patience = min(max(2*s.patience, firstSilence), lastPending) }

func (s *sending) directly() {
	s.direct = true
	s.msg.Subject = s.client.ns.Call(s.call.ID, s.call.Action)
}

func (s *sending) byRoute() {
	s.direct = false
	s.msg.Subject = s.client.ns.Route(s.call.ID, s.call.Action)
}

// rest waits before the call is sent again, after a sending that has failed. Its error says that there is no time.
func (s *sending) rest(ctx context.Context, last error) error {
	wait := s.pause
	s.pause = min(2*s.pause, lastPause)
	if time.Until(s.deadline) < wait || time.Now().After(s.lastSend) {
		return &gaveUpError{context.DeadlineExceeded, last}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &gaveUpError{ctx.Err(), last}
	}
}

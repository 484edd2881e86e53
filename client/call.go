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
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// outgoing is a call with its message, and a buffer for the body of that; NATS has copied both when a publish returns.
type outgoing struct {
	nats.Msg
	body []byte
	call troupe.Invocation
}

var spareOutgoing = sync.Pool{New: func() any { return new(outgoing) }}

// maxPooled keeps a rare large input from staying in memory for ever.
const maxPooled = 64 << 10

// Invoke makes one call: see [troupe.Action.Call]. It goes to the actor directly, and by the route of its type when
// nobody answers there. A call that was refused before it started, or that is not answered for a while, is sent again
// until ctx is done: its actor recognises it by its request id, and runs it once. The same holds while no host of a type
// is up that this client has reached before, but see [Client.Leave]; one that it has never reached is reported at once as
// an unknown type. Every error is a *troupe.Error.
func (c *Client) Invoke(ctx context.Context, call troupe.Invocation) error {
	return c.InvokeFor(ctx, "", call)
}

// InvokeFor makes a call on behalf of actors that wait for its answer: chain names them as [bus.HeaderChain] has it.
// Package actorhost uses it for the calls of an action.
func (c *Client) InvokeFor(ctx context.Context, chain string, call troupe.Invocation) error {
	if !bus.Builtin(call.Action) {
		if err := troupe.CheckName("action", call.Action); err != nil {
			return err
		}
	}
	out := spareOutgoing.Get().(*outgoing)
	defer func() {
		if *out = (outgoing{body: out.body}); cap(out.body) <= maxPooled {
			spareOutgoing.Put(out)
		}
	}()
	out.call = call
	body, err := encode(c.codec, out.body[:0], &out.call)
	if err != nil {
		return err
	}
	out.body = body
	out.Msg = nats.Msg{Subject: c.ns.Call(call.ID, call.Action), Header: c.header(ctx, chain, &out.call), Data: body}
	if call.Action == bus.ConnectAction {
		out.Header[bus.HeaderInbox] = []string{c.links.inbox}
	}
	reply, err := c.send(ctx, &out.call, &out.Msg)
	if err != nil {
		return err
	}
	if err := bus.DecodeError(reply); err != nil {
		return err
	}
	if call.Out == nil {
		return nil
	}
	if err := decode(reply, call.Out); err != nil {
		return &troupe.Error{Code: troupe.CodeInternal, Err: err,
			Message: fmt.Sprintf("%s.%s answered what is no %T: %v", call.ID, call.Action, call.Out, err)}
	}
	return nil
}

// header has what is not the default.
func (c *Client) header(ctx context.Context, chain string, call *troupe.Invocation) nats.Header {
	requestID := troupe.RequestID(ctx)
	if c.codec == codec.MsgPack && !call.Existing && chain == "" && requestID == "" && call.Connection == "" {
		return nil
	}
	header := make(nats.Header, 2)
	bus.SetContentType(header, c.codec)
	if call.Existing {
		header[bus.HeaderExisting] = []string{"1"}
	}
	if chain != "" {
		header[bus.HeaderChain] = []string{chain}
	}
	if call.Connection != "" {
		header[bus.HeaderConnection] = []string{call.Connection}
	}
	if requestID != "" {
		header[bus.HeaderRequestID] = []string{requestID}
	}
	return header
}

func set(msg *nats.Msg, header, value string) {
	if msg.Header == nil {
		msg.Header = make(nats.Header, 2)
	}
	msg.Header[header] = []string{value}
}

// Between two sendings of a call that was refused before it started: its actor changes hosts, or its host has just gone.
const firstPause, lastPause = time.Millisecond, 100 * time.Millisecond

// A call without an answer is sent again after the first of these, for its host may have died with it, or before it
// arrived: a caller that waits for an actor on such a host waits little longer than one that comes later. The host where
// the call waits says so, and is asked again after twice as long each time, up to lastPending, or as soon as it turns out
// that it is gone. When nobody says anything,
// the host may be frozen. The call then goes by the route, where a frozen host may still swallow it: so often, with a
// pause that grows up to lastSilence.
const firstSilence, lastSilence, lastPending = 100 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second

// sendFor is how long a call may be sent again. Hosts remember answers for longer.
const sendFor = 2 * time.Minute

// sending is a call on its way.
type sending struct {
	client   *Client
	call     *troupe.Invocation
	msg      *nats.Msg
	request  *bus.Request
	deadline time.Time
	lastSend time.Time // after which it must not be sent any more
	direct   bool
	attempts int
	pause    time.Duration // before the next, if it is refused
	silence  time.Duration // before the next, if nobody says anything
	patience time.Duration // before the next, if its host says that it is at it
	listen   bool          // it has just said so
	host     string        // its id
	unsure   bool          // a sending that was neither answered nor refused may have been run, or may be yet
}

// send takes the message of a call to whoever owns the actor and returns the reply.
func (c *Client) send(ctx context.Context, call *troupe.Invocation, msg *nats.Msg) (*nats.Msg, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure(call, err)
	}
	now := time.Now()
	deadline, given := ctx.Deadline()
	if !given {
		deadline = now.Add(c.timeout)
	}
	if given || c.timeout != bus.DefaultTimeout { // which is what a host takes for granted
		set(msg, bus.HeaderTimeout, bus.FormatTimeout(deadline.Sub(now)))
	}
	if size := int64(msg.Size()); size > bus.AlwaysFits-bus.ForwardRoom {
		if limit := c.nc.MaxPayload() - bus.ForwardRoom; size > limit {
			return nil, tooLarge(call, size, limit)
		}
	}
	request, err := c.requester.Begin(call.ID.Tokens())
	if err != nil {
		return nil, failure(call, err)
	}
	defer request.End()
	s := sending{
		client: c, call: call, msg: msg, request: request, deadline: deadline, lastSend: now.Add(sendFor),
		direct: true, pause: firstPause, silence: firstSilence,
	}
	for ; ; now = time.Now() {
		reply, err := s.try(ctx, now)
		switch {
		case err == nil && reply != nil:
			return reply, nil
		case err != nil && s.unsure:
			return nil, unknown(call, err)
		case err != nil:
			return nil, failure(call, err)
		}
	}
}

// try sends the call once, or listens on. Without a reply and an error it must be called again.
func (s *sending) try(ctx context.Context, now time.Time) (*nats.Msg, error) {
	listening := s.listen
	reply, err := s.once(ctx, now)
	switch {
	case errors.Is(err, nats.ErrNoResponders) && s.direct: // asleep: at once to those who can wake it
		s.attempts--
		s.byRoute()
		return nil, nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && time.Now().Before(s.deadline):
		s.unsure = true
		if listening {
			s.directly()
		} else if s.silence = min(s.silence+firstSilence, lastSilence); s.attempts > 1 {
			s.byRoute()
		}
		return nil, nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, bus.ErrAbandoned):
		s.unsure = true
		return nil, err
	case errors.Is(err, troupe.ErrDenied):
		return nil, err
	case errors.Is(err, nats.ErrNoResponders) && s.client.known.has(s.call.ID.Type()): // for now
		err = fmt.Errorf("no host of its type is up: %w", err)
		if s.client.left() {
			return nil, &gaveUpError{errLeft, err}
		}
		return nil, s.rest(ctx, err)
	case err != nil && s.unsure && !errors.Is(err, nats.ErrConnectionClosed): // disconnected, for now
		return nil, s.rest(ctx, err)
	case err != nil:
		return nil, err
	}
	if host, pending := bus.PendingAt(reply); pending {
		s.unsure, s.patience = true, min(max(2*s.patience, firstSilence), lastPending)
		s.listen, s.host = true, host
		return nil, nil
	}
	s.client.known.add(s.call.ID.Type())
	failed := bus.DecodeError(reply)
	if failed == nil || !failed.Retryable || failed.Code != troupe.CodeUnavailable && failed.Code != troupe.CodeOutcomeUnknown {
		return reply, nil
	}
	s.unsure = s.unsure || failed.Code == troupe.CodeOutcomeUnknown
	s.byRoute()
	return nil, s.rest(ctx, failed)
}

// once sends the call, unless its host has just said that it knows it, and waits for as long as it is worth it.
func (s *sending) once(ctx context.Context, now time.Time) (*nats.Msg, error) {
	left := s.deadline.Sub(now)
	if s.listen {
		s.listen, s.silence = false, firstSilence
		return s.listenOn(ctx, min(s.patience, left))
	}
	if s.attempts++; s.attempts > 1 {
		s.client.resent.Add(1)
		set(s.msg, bus.HeaderAttempt, strconv.Itoa(s.attempts))
		set(s.msg, bus.HeaderTimeout, bus.FormatTimeout(left))
	}
	if now.After(s.lastSend) {
		return s.request.Do(ctx, s.msg, left)
	}
	return s.request.Do(ctx, s.msg, min(s.silence, left))
}

// listenOn waits for the answer of a call that waits at its host, as long as that is there.
func (s *sending) listenOn(ctx context.Context, patience time.Duration) (*nats.Msg, error) {
	for until := time.Now().Add(patience); ; {
		left := time.Until(until)
		reply, err := s.request.Wait(ctx, min(left, hostEvery))
		if left <= hostEvery || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || s.client.hostGone(ctx, s.host) {
			return reply, err
		}
	}
}

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

// errLeft is why a call is given up that nobody is there for, when the program is about to end.
var errLeft = errors.New("the program ends")

// gaveUpError is why a call is not sent again.
type gaveUpError struct{ why, last error }

func (e *gaveUpError) Error() string { return fmt.Sprintf("%v; the last try: %v", e.why, e.last) }
func (e *gaveUpError) Unwrap() error { return e.why }

// unknown is the error of a call that may have run.
func unknown(call *troupe.Invocation, err error) error {
	reason := "no answer within the time of the call"
	switch {
	case errors.Is(err, context.Canceled):
		reason = "the caller gave up"
	case !errors.Is(err, context.DeadlineExceeded):
		reason = err.Error()
	}
	return &troupe.Error{Code: troupe.CodeOutcomeUnknown, Err: err,
		Message: fmt.Sprintf("%s.%s: %s: whether it has run is not known", call.ID, call.Action, reason)}
}

// failure is the error of a call that certainly did not start.
func failure(call *troupe.Invocation, err error) error {
	target := fmt.Sprintf("%s.%s", call.ID, call.Action)
	var gaveUp *gaveUpError
	denied, isDenied := errors.AsType[*troupe.Error](err)
	switch {
	case isDenied:
		return &troupe.Error{Code: troupe.CodeDenied, Message: target + ": " + denied.Message, Err: err}
	case errors.As(err, &gaveUp):
		reason := "the time of the call ran out"
		if errors.Is(gaveUp.why, errLeft) {
			reason = errLeft.Error()
		}
		return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: gaveUp.why,
			Message: fmt.Sprintf("%s: %s while it was refused: %v", target, reason, gaveUp.last)}
	case errors.Is(err, context.DeadlineExceeded):
		return &troupe.Error{Code: troupe.CodeDeadlineExceeded, Message: target + ": not sent: the time of the call is over", Err: err}
	case errors.Is(err, context.Canceled):
		return &troupe.Error{Code: troupe.CodeCanceled, Message: target + ": the caller gave up", Err: err}
	case errors.Is(err, nats.ErrNoResponders):
		return &troupe.Error{Code: troupe.CodeUnknownType,
			Message: fmt.Sprintf("%s: no host on this bus serves the actor type %q", target, call.ID.Type())}
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrHeadersNotSupported):
		return &troupe.Error{Code: troupe.CodeTooLarge, Message: target + ": " + err.Error(), Err: err}
	default: // not connected: nothing was sent
		return &troupe.Error{Code: troupe.CodeUnavailable, Message: target + ": " + err.Error(), Retryable: true, Err: err}
	}
}

func encode(as codec.Codec, dst []byte, call *troupe.Invocation) ([]byte, error) {
	if call.In == nil {
		return dst, nil
	}
	body, err := as.Append(dst, call.In)
	if err != nil {
		return nil, &troupe.Error{Code: troupe.CodeBadInput, Err: err,
			Message: fmt.Sprintf("%s.%s: the input cannot be encoded: %v", call.ID, call.Action, err)}
	}
	return body, nil
}

func decode(msg *nats.Msg, into any) error {
	as, err := bodyCodec(msg)
	if err != nil {
		return err
	}
	return as.Unmarshal(msg.Data, into)
}

func bodyCodec(msg *nats.Msg) (codec.Codec, error) {
	if msg.Header == nil {
		return codec.MsgPack, nil
	}
	return codec.ForContentType(msg.Header.Get(bus.HeaderContentType))
}

func tooLarge(call *troupe.Invocation, size, limit int64) error {
	return &troupe.Error{Code: troupe.CodeTooLarge,
		Message: fmt.Sprintf("%s.%s: the request has %d bytes, the server takes at most %d", call.ID, call.Action, size, limit)}
}

package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// Between two tries of a call that provably did not start: its actor changes hosts, or its host has just gone. The
// pauses grow from the first to the last.
const firstPause, lastPause = time.Millisecond, 100 * time.Millisecond

// bodies holds buffers of encoded inputs; NATS has copied them when a publish returns.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled keeps a rare large input from staying in memory for ever.
const maxPooled = 64 << 10

// Invoke makes one call: see [troupe.Action.Call]. It goes to the actor directly, and by the route of its type when
// nobody answers there. What provably did not start is tried again until ctx is done. Every error is a *troupe.Error.
func (c *Client) Invoke(ctx context.Context, call troupe.Invocation) error {
	return c.InvokeFor(ctx, "", call)
}

// InvokeFor makes a call on behalf of actors that wait for its answer: chain names them as [bus.HeaderChain] has it.
// Package actorhost uses it for the calls of an action.
func (c *Client) InvokeFor(ctx context.Context, chain string, call troupe.Invocation) error {
	if call.Action != troupe.CreateAction {
		if err := troupe.CheckName("action", call.Action); err != nil {
			return err
		}
	}
	buffer := bodies.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= maxPooled {
			bodies.Put(buffer)
		}
	}()
	body, err := encode(c.codec, (*buffer)[:0], call)
	if err != nil {
		return err
	}
	*buffer = body

	reply, err := c.send(ctx, chain, call, body)
	if err != nil {
		return failure(call, err)
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

// send takes the message of a call to whoever owns the actor and returns the reply.
func (c *Client) send(ctx context.Context, chain string, call troupe.Invocation, body []byte) (*nats.Msg, error) {
	deadline, given := ctx.Deadline()
	if !given {
		deadline = time.Now().Add(c.timeout)
	}
	request := &nats.Msg{Subject: c.ns.Call(call.ID, call.Action), Header: c.header(chain, call), Data: body}
	if given || c.timeout != bus.DefaultTimeout { // which is what a host takes for granted
		setTimeout(request, deadline)
	}
	if size, limit := int64(request.Size()), c.nc.MaxPayload()-bus.ForwardRoom; size > limit {
		return nil, tooLarge(call, size, limit)
	}
	direct := true
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		reply, err := c.requester.Do(ctx, request, time.Until(deadline))
		if direct && errors.Is(err, nats.ErrNoResponders) { // asleep: at once to those who can wake it
			direct, request.Subject = false, c.ns.Route(call.ID, call.Action)
			continue
		}
		if err != nil {
			return nil, err
		}
		failed := bus.DecodeError(reply)
		if failed == nil || !failed.Retryable || failed.Code != troupe.CodeUnavailable {
			return reply, nil
		}
		if err := pause(ctx, wait, deadline, failed); err != nil {
			return nil, err
		}
		direct, request.Subject = false, c.ns.Route(call.ID, call.Action)
		setTimeout(request, deadline)
	}
}

// header has what is not the default.
func (c *Client) header(chain string, call troupe.Invocation) nats.Header {
	if c.codec == codec.MsgPack && !call.Existing && chain == "" {
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
	return header
}

func setTimeout(request *nats.Msg, deadline time.Time) {
	if request.Header == nil {
		request.Header = make(nats.Header, 1)
	}
	request.Header[bus.HeaderTimeout] = []string{bus.FormatTimeout(time.Until(deadline))}
}

// failure is the error of a call that got no answer.
func failure(call troupe.Invocation, err error) error {
	var failed *troupe.Error
	switch target := fmt.Sprintf("%s.%s", call.ID, call.Action); {
	case errors.Is(err, context.DeadlineExceeded):
		return &troupe.Error{Code: troupe.CodeDeadlineExceeded, Message: target + ": no answer within the time of the call", Err: err}
	case errors.Is(err, context.Canceled):
		return &troupe.Error{Code: troupe.CodeCanceled, Message: target + ": the caller gave up", Err: err}
	case errors.As(err, &failed):
		return failed
	case errors.Is(err, nats.ErrNoResponders):
		return &troupe.Error{Code: troupe.CodeUnknownType,
			Message: fmt.Sprintf("%s: no host on this bus serves the actor type %q", target, call.ID.Type())}
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrHeadersNotSupported):
		return &troupe.Error{Code: troupe.CodeTooLarge, Message: target + ": " + err.Error(), Err: err}
	default: // not connected: nothing was sent
		return &troupe.Error{Code: troupe.CodeUnavailable, Message: target + ": " + err.Error(), Retryable: true, Err: err}
	}
}

func encode(as codec.Codec, dst []byte, call troupe.Invocation) ([]byte, error) {
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
	as, err := codec.ForContentType(msg.Header.Get(bus.HeaderContentType))
	if err != nil {
		return err
	}
	return as.Unmarshal(msg.Data, into)
}

func tooLarge(call troupe.Invocation, size, limit int64) error {
	return &troupe.Error{Code: troupe.CodeTooLarge,
		Message: fmt.Sprintf("%s.%s: the request has %d bytes, the server takes at most %d", call.ID, call.Action, size, limit)}
}

// pause waits before another try after last. Its error says that there is no time for one.
func pause(ctx context.Context, wait time.Duration, deadline time.Time, last error) error {
	if time.Until(deadline) < wait {
		return fmt.Errorf("%w; the last try: %w", context.DeadlineExceeded, last)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w; the last try: %w", ctx.Err(), last)
	}
}

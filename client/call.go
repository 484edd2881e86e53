package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/wire"
)

// Invoke makes one call: see [troupe.Action.Call]. It goes to the actor directly, and by the route of its type when
// nobody answers there. A call that was refused before it started, or that is not answered for a while, is sent again
// until ctx is done: its actor recognises it by its request id, and runs it once. The same holds while no host of a type
// is up that this client has reached before; one that it has never reached is reported at once as an unknown type. Every
// error is a *troupe.Error.
func (c *Client) Invoke(ctx context.Context, call troupe.Invocation) error {
	if !wire.Builtin(call.Action) {
		if err := troupe.CheckName("action", call.Action); err != nil {
			return err
		}
	}
	s := spareSendings.Get().(*sending)
	defer s.end()
	s.client, s.call, s.origin = c, call, origin.Of(ctx)
	reply, err := s.run(ctx)
	if err != nil {
		return err
	}
	if err := wire.DecodeError(reply); err != nil {
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
	wire.SetContentType(header, c.codec)
	if call.Existing {
		header[wire.HeaderExisting] = []string{"1"}
	}
	if chain != "" {
		header[wire.HeaderChain] = []string{chain}
	}
	if call.Connection != "" {
		header[wire.HeaderConnection] = []string{call.Connection}
	}
	if requestID != "" {
		header[wire.HeaderRequestID] = []string{requestID}
	}
	return header
}

func set(msg *nats.Msg, header, value string) {
	if msg.Header == nil {
		msg.Header = make(nats.Header, 2)
	}
	msg.Header[header] = []string{value}
}

// errLeft is why a call of a host that stops is given up when no other host is up.
var errLeft = errors.New("its host stops")

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
	return codec.ForContentType(msg.Header.Get(wire.HeaderContentType))
}

func tooLarge(call *troupe.Invocation, size, limit int64) error {
	return &troupe.Error{Code: troupe.CodeTooLarge,
		Message: fmt.Sprintf("%s.%s: the request has %d bytes, the server takes at most %d", call.ID, call.Action, size, limit)}
}

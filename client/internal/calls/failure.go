package calls

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// errLeft is why the call of a host that stops is given up if no other host is up.
var errLeft = errors.New("its host stops")

// gaveUpError is why a call is not sent again.
type gaveUpError struct{ why, last error }

func (e *gaveUpError) Error() string { return fmt.Sprintf("%v; the last try: %v", e.why, e.last) }
func (e *gaveUpError) Unwrap() error { return e.why }

// unknown is the error of a call that may have run.
func unknown(call *Call, err error) error {
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
func failure(call *Call, err error) error {
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
		return &troupe.Error{Code: troupe.CodeDeadlineExceeded, Retryable: true, Err: err,
			Message: target + ": not sent: the time of the call is over"}
	case errors.Is(err, context.Canceled):
		return &troupe.Error{Code: troupe.CodeCanceled, Message: target + ": the caller gave up", Err: err}
	case errors.Is(err, nats.ErrNoResponders):
		return &troupe.Error{Code: troupe.CodeUnknownType,
			Message: fmt.Sprintf("%s: no host on this bus serves the actor type %q", target, call.ID.Type())}
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrHeadersNotSupported):
		return &troupe.Error{Code: troupe.CodeTooLarge, Message: target + ": " + err.Error(), Err: err}
	default: // not connected: nothing was sent
		err = wire.Disconnected(err)
		return &troupe.Error{Code: troupe.CodeUnavailable, Message: target + ": " + err.Error(), Retryable: true, Err: err}
	}
}

func tooLarge(call *Call, size, limit int64) error {
	return &troupe.Error{Code: troupe.CodeTooLarge,
		Message: fmt.Sprintf("%s.%s: the request has %d bytes, the server takes at most %d", call.ID, call.Action, size, limit)}
}

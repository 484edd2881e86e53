package troupe

import (
	"context"
	"fmt"
	"maps"
)

// Code says what kind of error an [Error] is. The codes of this package are stable: they are part of the wire.
type Code string

// The codes of errors that are made on the way to an actor, by its host or by the caller's own side. An actor's user
// errors have codes of their own choice, see [NewError].
const (
	// CodeInternal: the action failed with an error that is not the caller's business. The host's log has it in full.
	CodeInternal Code = "internal"
	// CodeBadInput: a name, a key or an input that cannot be what the action takes. Nothing ran.
	CodeBadInput Code = "bad_input"
	// CodeDenied: NATS does not allow the caller's user to publish the call, or to subscribe. Nothing ran.
	CodeDenied Code = "denied"
	// CodeUnknownType: no host on the bus serves the actor type, nor has one answered this client before: a misspelt name,
	// or no such host is up. Nothing ran.
	CodeUnknownType Code = "unknown_type"
	// CodeUnknownAction: the actor type has no such action. Nothing ran.
	CodeUnknownAction Code = "unknown_action"
	// CodeNotFound: a call through [Get] found no actor. Nothing was created.
	CodeNotFound Code = "not_found"
	// CodeAlreadyExists: [Constructor.Create] found an actor. It was left as it is.
	CodeAlreadyExists Code = "already_exists"
	// CodeTooLarge: a request, a reply, an event or a state is over the server's max_payload. What the action changed
	// was undone.
	CodeTooLarge Code = "too_large"
	// CodeDeadlineExceeded: the time of the call ran out, and the action certainly had no effect: it did not start, or
	// it gave up and was undone. It matches context.DeadlineExceeded. See also [CodeOutcomeUnknown].
	CodeDeadlineExceeded Code = "deadline_exceeded"
	// CodeCanceled: the caller gave up before the call was sent. It matches context.Canceled.
	CodeCanceled Code = "canceled"
	// CodeCallCycle: the call came back to an actor that waits in it, or the chain of calls is over 64 actors long. The
	// message spells the chain out.
	CodeCallCycle Code = "call_cycle"
	// CodeOverloaded: the actor's mailbox, or the host, is full. Nothing ran.
	CodeOverloaded Code = "overloaded"
	// CodeUnavailable: no connection, a host that stops, an owner that just changed, a write that lost against a newer
	// owner. With Retryable set the action had no effect and can be called again.
	CodeUnavailable Code = "unavailable"
	// CodeOutcomeUnknown: no answer came, or no word of whether the state was stored: the action may have run, may run
	// yet, or may never run. It matches context.DeadlineExceeded or context.Canceled when that ended the call.
	CodeOutcomeUnknown Code = "outcome_unknown"
	// CodeRequestReused: the request id was given to another call of the actor before. Nothing ran.
	CodeRequestReused Code = "request_reused"
	// CodeAnswerLost: the call was made before with the same request id, it ran and is stored, but its answer was too
	// long to be kept.
	CodeAnswerLost Code = "answer_lost"
	// CodeDisconnected: the connection that the call was made by has ended.
	CodeDisconnected Code = "disconnected"
	// CodeStateCorrupt: the actor's record cannot be decoded. It is left as it is.
	CodeStateCorrupt Code = "state_corrupt"
)

// Error is every error that a call returns, wrapped or not: use errors.As to reach it and errors.Is to compare it with
// a sentinel of this package or with a user error made by [NewError].
//
// An action that returns an Error, of its own or from a call that it made, passes it to its caller whole: code,
// message and metadata, through any number of actors. Any other error arrives as [CodeInternal], without its text.
type Error struct {
	Code     Code
	Message  string
	Metadata map[string]any // what msgpack and JSON can hold; integers arrive as int64

	// FromActor tells an actor's user error from an error made on the way.
	FromActor bool
	// Retryable says that the action had no effect, and that the same call may succeed when it is made again. The client
	// has made it again already, for as long as the time of the call has allowed.
	Retryable bool
	// Err is the cause on this side, if any. It does not cross the wire.
	Err error
}

// Sentinels for errors.Is, one for each code that a caller may want to tell apart.
var (
	ErrInternal         = &Error{Code: CodeInternal}
	ErrBadInput         = &Error{Code: CodeBadInput}
	ErrDenied           = &Error{Code: CodeDenied}
	ErrUnknownType      = &Error{Code: CodeUnknownType}
	ErrUnknownAction    = &Error{Code: CodeUnknownAction}
	ErrNotFound         = &Error{Code: CodeNotFound}
	ErrAlreadyExists    = &Error{Code: CodeAlreadyExists}
	ErrTooLarge         = &Error{Code: CodeTooLarge}
	ErrDeadlineExceeded = &Error{Code: CodeDeadlineExceeded}
	ErrCanceled         = &Error{Code: CodeCanceled}
	ErrCallCycle        = &Error{Code: CodeCallCycle}
	ErrOverloaded       = &Error{Code: CodeOverloaded}
	ErrUnavailable      = &Error{Code: CodeUnavailable}
	ErrOutcomeUnknown   = &Error{Code: CodeOutcomeUnknown}
	ErrRequestReused    = &Error{Code: CodeRequestReused}
	ErrAnswerLost       = &Error{Code: CodeAnswerLost}
	ErrDisconnected     = &Error{Code: CodeDisconnected}
	ErrStateCorrupt     = &Error{Code: CodeStateCorrupt}
)

// NewError makes a user error: one that an action returns on purpose and that its caller is meant to see. The code
// is the actor's own, spelt like a name (see [CheckName]); an error with another code arrives as [CodeInternal].
func NewError(code Code, message string) *Error {
	return &Error{Code: code, Message: message, FromActor: true}
}

// With returns a copy of e with one more entry in its metadata.
func (e *Error) With(key string, value any) *Error {
	with := *e
	with.Metadata = maps.Clone(e.Metadata)
	if with.Metadata == nil {
		with.Metadata = make(map[string]any, 1)
	}
	with.Metadata[key] = value
	return &with
}

// Error is "code: message".
func (e *Error) Error() string {
	if e.Message == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Message
}

// Is reports whether target is an Error with the same code and of the same origin: an actor's own "not_found" is not
// [ErrNotFound]. An error with [CodeDeadlineExceeded] is context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	if target == context.DeadlineExceeded {
		return e.Code == CodeDeadlineExceeded && !e.FromActor
	}
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.FromActor == e.FromActor
}

// Unwrap returns the cause on this side.
func (e *Error) Unwrap() error { return e.Err }

func badInput(format string, args ...any) *Error {
	return &Error{Code: CodeBadInput, Message: fmt.Sprintf(format, args...)}
}

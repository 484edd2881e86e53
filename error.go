package troupe

import (
	"context"
	"fmt"
	"maps"
)

// Code says what kind of error an [Error] is. The codes of this package are part of the wire and do not change.
type Code string

// The codes of errors that hosts and clients make. An actor's user errors have codes of their own: see [NewError].
const (
	// CodeInternal: the action failed with an error that is not for the caller. The host's log has it in full.
	CodeInternal Code = "internal"
	// CodeBadInput: a name, a key or an input is not valid, or not what the action takes. Nothing ran.
	CodeBadInput Code = "bad_input"
	// CodeDenied: NATS does not allow the caller's user to publish the call, or to subscribe, or the host to store what the
	// call changes. It had no effect.
	CodeDenied Code = "denied"
	// CodeUnknownType: no host of the actor type is up, none has answered this client before, and as far as the client may
	// look there is no actor of it. The name may be misspelt. Nothing ran.
	CodeUnknownType Code = "unknown_type"
	// CodeUnknownAction: no program that runs the actor type has such an action. Nothing ran.
	CodeUnknownAction Code = "unknown_action"
	// CodeNotFound: a call through [Get] found no actor. Nothing was created.
	CodeNotFound Code = "not_found"
	// CodeAlreadyExists: [Constructor.Create] found an actor. The actor did not change.
	CodeAlreadyExists Code = "already_exists"
	// CodeTooLarge: a request, a reply, an event or a state is larger than the server's max_payload. The action, if it
	// ran, was undone.
	CodeTooLarge Code = "too_large"
	// CodeDeadlineExceeded: the time of the call ran out, and the action had no effect: it did not start, or it gave up
	// and was undone. The error matches context.DeadlineExceeded. See also [CodeOutcomeUnknown].
	CodeDeadlineExceeded Code = "deadline_exceeded"
	// CodeCanceled: the caller gave up before the call was sent. The error matches context.Canceled.
	CodeCanceled Code = "canceled"
	// CodeCallCycle: the call came back to an actor that waits for its answer, by an action that is not declared reentrant. The
	// message lists the chain. Nothing ran.
	CodeCallCycle Code = "call_cycle"
	// CodeChainTooLong: 64 actors wait in the chain of calls already. The message lists the chain. Nothing ran.
	CodeChainTooLong Code = "chain_too_long"
	// CodeOverloaded: the actor's mailbox, the host, or JetStream is full. The action had no effect.
	CodeOverloaded Code = "overloaded"
	// CodeUnavailable: there is no connection, no host is up for now, the host stops, or another host has just taken the
	// actor over. If Retryable is set, the action had no effect and can be called again.
	CodeUnavailable Code = "unavailable"
	// CodeOutcomeUnknown: no answer came, or nobody could tell whether the state was stored, or it could not be stored when the
	// action had made calls that may have changed others. The action may have run, may still run, or may never run. The error
	// matches context.DeadlineExceeded or context.Canceled if that ended the call.
	CodeOutcomeUnknown Code = "outcome_unknown"
	// CodeRequestReused: the request id was given to another call of the actor before. Nothing ran.
	CodeRequestReused Code = "request_reused"
	// CodeAnswerLost: a call with the same request id ran before and is stored, but its answer was too long to be kept.
	CodeAnswerLost Code = "answer_lost"
	// CodeDisconnected: the connection that the call was made through has ended.
	CodeDisconnected Code = "disconnected"
	// CodeUnfinished: the workflow whose result was asked for is still under way.
	CodeUnfinished Code = "unfinished"
	// CodeTimedOut: what a workflow has waited for did not come in time.
	CodeTimedOut Code = "timed_out"
	// CodeStateCorrupt: the actor's record cannot be decoded. It stays as it is.
	CodeStateCorrupt Code = "state_corrupt"
)

// Error is what every call returns as its error, wrapped or not. Use errors.As to reach it, and errors.Is to compare it
// with a sentinel of this package or with a user error made by [NewError].
//
// If an action returns an Error, its own or that of a call it made, the caller gets all of it: code, message and metadata,
// through any number of actors. Any other error arrives as [CodeInternal] without its text.
type Error struct {
	Code     Code
	Message  string
	Metadata map[string]any // what msgpack and JSON can hold; integers arrive as int64

	// FromActor: this is a user error of an actor, and not made by a host or a client.
	FromActor bool
	// Retryable: the action had no effect, and the same call may succeed later. The client has already made it again for
	// as long as the time of the call allowed.
	Retryable bool
	// Err is the cause on this side, if there is one. It does not cross the wire.
	Err error
}

// Sentinels for errors.Is, one for each code.
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
	ErrChainTooLong     = &Error{Code: CodeChainTooLong}
	ErrOverloaded       = &Error{Code: CodeOverloaded}
	ErrUnavailable      = &Error{Code: CodeUnavailable}
	ErrOutcomeUnknown   = &Error{Code: CodeOutcomeUnknown}
	ErrRequestReused    = &Error{Code: CodeRequestReused}
	ErrAnswerLost       = &Error{Code: CodeAnswerLost}
	ErrDisconnected     = &Error{Code: CodeDisconnected}
	ErrUnfinished       = &Error{Code: CodeUnfinished}
	ErrTimedOut         = &Error{Code: CodeTimedOut}
	ErrStateCorrupt     = &Error{Code: CodeStateCorrupt}
)

// NewError makes a user error: an error that an action returns on purpose, for its caller to see. The code is the actor's
// own and must be a valid name (see [CheckName]); otherwise the error arrives as [CodeInternal].
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
	if e == nil {
		return "no error"
	}
	if e.Message == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Message
}

// Is reports whether target is an Error with the same code and the same FromActor: an actor's own "not_found" is not
// [ErrNotFound]. An error with [CodeDeadlineExceeded] also is context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	if e == nil {
		return false
	}
	if target == context.DeadlineExceeded {
		return e.Code == CodeDeadlineExceeded && !e.FromActor
	}
	t, ok := target.(*Error)
	return ok && t != nil && t.Code == e.Code && t.FromActor == e.FromActor
}

// Unwrap returns the cause on this side.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

func badInput(format string, args ...any) *Error {
	return &Error{Code: CodeBadInput, Message: fmt.Sprintf(format, args...)}
}

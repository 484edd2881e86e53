package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// codeUnauthenticated is the code of the error that the gateway alone makes: NATS knows no such user.
const codeUnauthenticated troupe.Code = "unauthenticated"

// problem is an error with a status of its own. All other errors have that of their code: see [wire.Status].
type problem struct {
	why    *troupe.Error
	status int
}

func (p problem) Error() string { return p.why.Error() }

func (p problem) Unwrap() error { return p.why }

func problemf(status int, code troupe.Code, format string, args ...any) error {
	return problem{errs.New(code, format, args...), status}
}

func badRequest(format string, args ...any) error {
	return errs.New(troupe.CodeBadInput, format, args...)
}

func unauthenticated(why string) error {
	return problemf(http.StatusUnauthorized, codeUnauthenticated, "%s", why)
}

// errorBody is the body of an answer that is an error.
type errorBody struct {
	Code      troupe.Code    `json:"code"`
	Message   string         `json:"message"`
	Metadata  map[string]any `json:"metadata,omitempty"`
	FromActor bool           `json:"from_actor,omitempty"` // it is the actor's own
	Retryable bool           `json:"retryable,omitempty"`  // nothing has run: the same request may succeed later
}

// bodyOf is an error as it is told.
func bodyOf(err error) errorBody {
	failed := errs.As(err)
	return errorBody{failed.Code, strings.ToValidUTF8(failed.Message, "\uFFFD"), failed.Metadata, failed.FromActor, failed.Retryable}
}

func statusOf(err error) int {
	if own, ok := errors.AsType[problem](err); ok {
		return own.status
	}
	return wire.Status(errs.As(err))
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	body, status := bodyOf(err), statusOf(err)
	switch {
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="troupe"`)
	case body.Retryable:
		w.Header().Set("Retry-After", "1")
	}
	text, err := codec.JSON.Append(nil, body)
	if err != nil { // metadata that JSON cannot hold
		body.Metadata, body.Message = nil, body.Message+fmt.Sprintf(" (the metadata is left out: %v)", err)
		text, _ = codec.JSON.Append(nil, body)
	}
	answer(w, status, text)
}

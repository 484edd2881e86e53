// Package errs makes the errors that callers of actors get.
package errs

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
)

// New is an error with a code.
func New(code troupe.Code, format string, args ...any) *troupe.Error {
	return &troupe.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unavailable is the error of a call that had no effect, and that may find the actor elsewhere.
func Unavailable(format string, args ...any) *troupe.Error {
	return retryable(troupe.CodeUnavailable, format, args)
}

// Overloaded is the error of a call that was not started, because too much waits already.
func Overloaded(format string, args ...any) *troupe.Error {
	return retryable(troupe.CodeOverloaded, format, args)
}

func retryable(code troupe.Code, format string, args []any) *troupe.Error {
	return &troupe.Error{Code: code, Message: fmt.Sprintf(format, args...), Retryable: true}
}

// As is err itself where it has a code, and an internal error otherwise.
func As(err error) *troupe.Error {
	if known, ok := errors.AsType[*troupe.Error](err); ok {
		return known
	}
	return &troupe.Error{Code: troupe.CodeInternal, Message: err.Error()}
}

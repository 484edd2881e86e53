// Package errs makes the errors that callers of actors get.
package errs

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
)

// New returns an error with a code.
func New(code troupe.Code, format string, args ...any) *troupe.Error {
	return &troupe.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unavailable returns the error of a call that had no effect; the actor may be on another host by now. It is retryable.
func Unavailable(format string, args ...any) *troupe.Error {
	return retryable(troupe.CodeUnavailable, format, args)
}

// Overloaded returns the error of a call that was not started because too much waits already. It is retryable.
func Overloaded(format string, args ...any) *troupe.Error {
	return retryable(troupe.CodeOverloaded, format, args)
}

func retryable(code troupe.Code, format string, args []any) *troupe.Error {
	return &troupe.Error{Code: code, Message: fmt.Sprintf(format, args...), Retryable: true}
}

// As returns the troupe.Error in err, or an internal error with its text.
func As(err error) *troupe.Error {
	if known, ok := errors.AsType[*troupe.Error](err); ok {
		return known
	}
	return &troupe.Error{Code: troupe.CodeInternal, Message: err.Error()}
}

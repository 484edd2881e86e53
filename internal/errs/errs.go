// Package errs makes the errors that callers of actors get.
package errs

import (
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
	if known := Find(err); known != nil {
		return known
	}
	return &troupe.Error{Code: troupe.CodeInternal, Message: err.Error()}
}

// Find is errors.AsType for a troupe.Error, but passes over nil ones. It returns nil if there is none.
func Find(err error) *troupe.Error {
	for err != nil {
		if known, ok := err.(*troupe.Error); ok { //nolint:errorlint // it is the walk itself
			return known
		}
		if one, ok := err.(interface{ As(target any) bool }); ok { //nolint:errorlint // it is the walk itself
			var known *troupe.Error
			if one.As(&known) && known != nil {
				return known
			}
		}
		switch wrapping := err.(type) { //nolint:errorlint // it is the walk itself
		case interface{ Unwrap() error }:
			err = wrapping.Unwrap()
		case interface{ Unwrap() []error }:
			for _, one := range wrapping.Unwrap() {
				if known := Find(one); known != nil {
					return known
				}
			}
			return nil
		default:
			return nil
		}
	}
	return nil
}

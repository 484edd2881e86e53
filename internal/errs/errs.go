// Package errs makes the errors that callers of actors get.
package errs

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/troupe-go/troupe"
)

// New returns an error with a code.
func New(code troupe.Code, format string, args ...any) *troupe.Error {
	return &troupe.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ErrFull is the cause of an error that lasts until somebody makes room where things are stored.
var ErrFull = errors.New("JetStream is full")

// Unavailable returns the error of a call that had no effect; the actor may be on another host by now. It is retryable. If
// an argument is an [ErrFull], the error is that of [Overloaded], and if it is a [troupe.ErrDenied], another such: to send
// the call again at once is of no use.
func Unavailable(format string, args ...any) *troupe.Error {
	for _, arg := range args {
		err, ok := arg.(error)
		switch {
		case ok && errors.Is(err, ErrFull):
			return Overloaded(format, args...)
		case ok && errors.Is(err, troupe.ErrDenied):
			return retryable(troupe.CodeDenied, format, args)
		}
	}
	return retryable(troupe.CodeUnavailable, format, args)
}

// Overloaded returns the error of a call that had no effect because too much waits, or is stored, already. It is retryable.
func Overloaded(format string, args ...any) *troupe.Error {
	return retryable(troupe.CodeOverloaded, format, args)
}

// Called returns the error of a call that failed like this when its action had made calls already: what those have changed
// stays. If the call is recognised when it is sent again, so are they.
func Called(failed *troupe.Error, recognised bool) *troupe.Error {
	return MayHaveRun(failed, "the calls that it made may have had an effect", recognised)
}

// MayHaveRun returns the error of a call that failed like this, and may have an effect nevertheless.
func MayHaveRun(failed *troupe.Error, why string, recognised bool) *troupe.Error {
	return &troupe.Error{
		Code: troupe.CodeOutcomeUnknown, Message: failed.Message + "; " + why,
		Retryable: recognised && failed.Code == troupe.CodeUnavailable,
	}
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

// maxWrapped is how many errors within an error are looked at. One that wraps itself has no end.
const maxWrapped = 1000

// Find is errors.AsType for a troupe.Error, but passes over nil ones, and ends for an error that wraps itself. It returns
// nil if there is none.
func Find(err error) (found *troupe.Error) {
	walk(err, new(int), func(one error) bool {
		if known, ok := one.(*troupe.Error); ok { //nolint:errorlint // it is the walk itself
			found = known
		} else if other, ok := one.(interface{ As(target any) bool }); ok {
			if !other.As(&found) {
				found = nil
			}
		}
		return found != nil
	})
	return found
}

// Is is errors.Is, but ends for an error that wraps itself. The target is comparable.
func Is(err, target error) bool {
	return walk(err, new(int), func(one error) bool {
		other, ok := one.(interface{ Is(target error) bool })
		return reflect.TypeOf(one).Comparable() && one == target || ok && other.Is(target) //nolint:errorlint // it is the walk itself
	})
}

// walk visits an error and those that it wraps, until visit returns true.
func walk(err error, seen *int, visit func(error) bool) bool {
	for err != nil {
		if *seen++; *seen > maxWrapped {
			return false
		}
		if visit(err) {
			return true
		}
		switch wrapping := err.(type) { //nolint:errorlint // it is the walk itself
		case interface{ Unwrap() error }:
			err = wrapping.Unwrap()
		case interface{ Unwrap() []error }:
			for _, one := range wrapping.Unwrap() {
				if walk(one, seen, visit) {
					return true
				}
			}
			return false
		default:
			return false
		}
	}
	return false
}

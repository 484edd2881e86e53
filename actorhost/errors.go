package actorhost

import (
	"fmt"

	"github.com/troupe-go/troupe"
)

var errTurnOver = &troupe.Error{Code: troupe.CodeInternal, Message: "the action has ended"}

func errorf(code troupe.Code, format string, args ...any) *troupe.Error {
	return &troupe.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// unavailable is the error of a call that had no effect, and that may find the actor elsewhere.
func unavailable(format string, args ...any) *troupe.Error {
	err := errorf(troupe.CodeUnavailable, format, args...)
	err.Retryable = true
	return err
}

func overloaded(format string, args ...any) *troupe.Error {
	err := errorf(troupe.CodeOverloaded, format, args...)
	err.Retryable = true
	return err
}

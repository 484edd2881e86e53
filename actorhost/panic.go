package actorhost

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// protect turns a panic of f into an error.
func protect(f func() error) (err error) {
	defer recoverPanic(&err)
	return f()
}

func recoverPanic(err *error) {
	if value := recover(); value != nil {
		*err = &panicError{value, debug.Stack()}
	}
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

var errGoexit = errors.New("runtime.Goexit, by which a test that fails ends its goroutine")

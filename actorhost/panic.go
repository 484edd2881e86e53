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

// guard is deferred around work in the mailbox, and does nothing if the work has returned. Otherwise a panic that nothing
// inside has recovered, or runtime.Goexit, has cut the work off: guard drops the activation, which is loaded again
// without what that turn has done, and tells who has called. Nothing stops a Goexit: the pool goes on in another
// goroutine.
func (a *activation) guard(w *work, returned, more *bool) {
	if *returned {
		return
	}
	var value any = errGoexit
	if p := recover(); p != nil {
		value = p
	}
	*more, a.finished = true, true
	err := a.internalError(turnOf(w), &panicError{value, debug.Stack()})
	if w.kind == callWork {
		a.answer(w, nil, err)
	}
}

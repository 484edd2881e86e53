package actorhost

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
)

// protect turns a panic of f into an error.
func protect(f func() error) (err error) {
	defer recoverPanic(&err)
	return f()
}

func recoverPanic(err *error) {
	if value := recover(); value != nil {
		*err = panicked(value)
	}
}

// panicError is a panic that was recovered.
type panicError struct {
	value any
	where string
}

// Error is one line, so that a log can be read.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v, at %s", e.value, e.where) }

// panicked is the error of a panic. What has recovered it calls this, while its stack is there.
func panicked(value any) *panicError { return &panicError{value, whereNow()} }

// maxFrames is how many frames of a stack are told.
const maxFrames = 24

// whereNow is the stack of a panic, the innermost frame first: "main.(*cart).add (cart.go:17) < ...". It ends where the code of the
// actor does.
func whereNow() string {
	pcs := make([]uintptr, 128)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var told []string
	panics := false
	for frame, more := frames.Next(); more && len(told) < maxFrames; frame, more = frames.Next() {
		switch {
		case !panics:
			panics = frame.Function == "runtime.gopanic" || frame.Function == "runtime.Goexit"
		case strings.HasPrefix(frame.Function, "runtime.") && len(told) == 0:
			// a nil pointer, an index that is out of range
		case strings.HasPrefix(frame.Function, ownPackage) && len(told) > 0:
			return strings.Join(told, " < ")
		default:
			told = append(told, fmt.Sprintf("%s (%s:%d)", path.Base(frame.Function), path.Base(frame.File), frame.Line))
		}
	}
	return strings.Join(told, " < ")
}

// ownPackage begins the names of the functions of this package.
const ownPackage = "github.com/troupe-go/troupe/actorhost."

var errGoexit = errors.New("runtime.Goexit, by which a test that fails ends its goroutine")

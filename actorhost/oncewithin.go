package actorhost

import (
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// onceWithin lets what an interceptor is given run once, and not longer than the interceptor.
type onceWithin struct {
	mu   sync.Mutex
	done bool
	ran  bool
	err  error // of what has run
}

var (
	errNotNext   = errs.New(troupe.CodeInternal, "an interceptor has neither called next nor returned an error")
	errNextAgain = errs.New(troupe.CodeInternal, "an interceptor has called next twice, or after its return")
)

func (o *onceWithin) do(f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return errNextAgain
	}
	o.done, o.ran, o.err = true, true, errGoexit
	o.err = f()
	return o.err
}

// over waits for what runs, and returns what has become of it. Nothing makes a success of a failure.
func (o *onceWithin) over(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	switch {
	case err != nil:
		return err
	case !o.ran:
		return errNotNext
	}
	return o.err
}

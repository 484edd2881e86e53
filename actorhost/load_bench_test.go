package actorhost_test

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is a number of calls, some of them in flight at a time.
type load struct{ Calls, InFlight int }

// run makes the calls and returns how long they took.
func (l load) run(ctx context.Context, call func(ctx context.Context, i int) error) (time.Duration, error) {
	began := time.Now()
	callers, ctx := errgroup.WithContext(ctx)
	for caller := range l.InFlight {
		callers.Go(func() error {
			for i := caller; i < l.Calls; i += l.InFlight {
				if err := call(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := callers.Wait()
	return time.Since(began), err
}

// runFor makes calls for a while, so many in flight, and returns how many there were and how long they took. Each is
// told how manyth it is.
func runFor(ctx context.Context, while time.Duration, inFlight int, call func(ctx context.Context, i int) error) (int64, time.Duration, error) {
	began := time.Now()
	var calls atomic.Int64
	callers, ctx := errgroup.WithContext(ctx)
	for range inFlight {
		callers.Go(func() error {
			for time.Since(began) < while {
				if err := call(ctx, int(calls.Add(1))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := callers.Wait()
	return calls.Load(), time.Since(began), err
}

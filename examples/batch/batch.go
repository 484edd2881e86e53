package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/examples/batch/work"
)

// inFlight bounds how many items are on their way at a time: enough to keep all processors busy, and few enough that
// none waits for long in a mailbox.
const inFlight = 64

// processAll sends each item to the processor of its type, many at once, and returns their results in the order of the
// items. done is called for each item that is processed. The first error ends the batch.
func processAll(ctx context.Context, c troupe.Caller, items []work.Item, done func()) ([]work.Result, error) {
	results := make([]work.Result, len(items))
	calls, together := errgroup.WithContext(ctx) // which ends with the first error
	calls.SetLimit(inFlight)
	for i, item := range items {
		if together.Err() != nil {
			break
		}
		calls.Go(func() (err error) {
			processor := troupe.GetOrCreate[work.Processor](c, item.Type)
			if results[i], err = work.Process.Call(together, processor, item); err != nil {
				return fmt.Errorf("item %d, a %s: %w", i, item.Type, err)
			}
			done()
			return nil
		})
	}
	if err := calls.Wait(); err != nil {
		return nil, err
	}
	return results, ctx.Err()
}

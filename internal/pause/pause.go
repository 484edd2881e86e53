// Package pause waits.
package pause

import (
	"context"
	"time"
)

// For waits for the given time, or until ctx is done. It reports whether ctx is not done.
func For(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

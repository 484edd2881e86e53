// Package pause waits.
package pause

import (
	"context"
	"time"
)

// For waits for a time, or until ctx is done, and reports whether ctx is still not done.
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

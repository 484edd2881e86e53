package gateway

import (
	"context"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
)

// A server ends a connection whose JWT has run out, as an auth callout has it every few minutes, and the next one is there in a moment:
// a call waits for that so long, and fails as one that NATS cannot be reached for only then.
const comebackTime, comebackStep = time.Second, 5 * time.Millisecond

func (u *user) awaitComeback(ctx context.Context) {
	for began := time.Now(); u.nc.IsReconnecting() && time.Since(began) < comebackTime && pause.For(ctx, comebackStep); {
		continue
	}
}

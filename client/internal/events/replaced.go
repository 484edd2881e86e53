package events

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/link"
)

// hearReplaced subscribes to word of the hosts that the records of actors were replaced. It returns what must run until ctx is
// done. Where that is not allowed, the next event of each actor tells of what is missing.
func hearReplaced(ctx context.Context, nc *nats.Conn, subject string, timeout time.Duration, replaced func()) func() {
	guard := link.GuardSubscription(ctx, nc, subject)
	sub, err := nc.Subscribe(subject, func(*nats.Msg) { replaced() })
	return func() {
		if err == nil {
			err = guard.Flush(timeout)
		}
		guard.End()
		if !link.IsRefusal(err) { // or it would be denied again with each reconnect
			<-ctx.Done()
		}
		if sub != nil {
			_ = sub.Unsubscribe() // fails only if the connection is closed
		}
	}
}

package actorhost

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
)

// closedGrace is how long actions and sleep hooks may go on once the connection is closed: nothing of them is stored or sent.
const closedGrace = 250 * time.Millisecond

// connectionClosed stops the host because its connection never comes back. The process that supervises this one can start
// another.
func (h *Host) connectionClosed(reason error) {
	h.ending.Do(func() { // with one connection goes the other
		h.lost(fmt.Errorf("actorhost: the host has ended with its connection: %w", reason))
		h.closeControl() // as if the process had ended
		h.actorLog.Error("the NATS connection is closed: the host ends", slog.String("host", h.ID()), slog.Any("error", reason))
	})
	_ = h.Stop(context.Background()) // a later call of Stop returns the same error
}

// controlClosed is told that the one with the lease is closed, by the host itself in the end.
func (h *Host) controlClosed(reason error) {
	select {
	case <-h.quit:
	default:
		h.connectionClosed(reason)
	}
}

// whileConnected returns a context that ends with ctx, or soon after the connection is closed.
func (h *Host) whileConnected(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(h.connected, func() {
		pause.For(ctx, closedGrace)
		cancel()
	})
	return ctx, func() { stop(); cancel() }
}

// mutedLog is a slog.Handler that logs nothing once the connection is closed. The host says that itself; all else would be
// what follows from it.
type mutedLog struct {
	slog.Handler
	closed func() bool
}

// Enabled implements [slog.Handler].
func (m mutedLog) Enabled(ctx context.Context, level slog.Level) bool {
	return m.Handler.Enabled(ctx, level) && !m.closed()
}

// WithAttrs implements [slog.Handler].
func (m mutedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return mutedLog{m.Handler.WithAttrs(attrs), m.closed}
}

// WithGroup implements [slog.Handler].
func (m mutedLog) WithGroup(name string) slog.Handler {
	return mutedLog{m.Handler.WithGroup(name), m.closed}
}

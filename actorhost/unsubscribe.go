package actorhost

import (
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// What the server has sent before it hears that an actor does not listen any more still arrives, and goes to the
// activation that follows. nats.go sees to that with a goroutine, and a question to the server, for each subscription; and
// each answer takes as long as there are questions. So there are at most so many at a time, and where one more would have
// to wait for long, because the server does not answer, what it has sent is given up: its callers send it again.
const maxDrains, drainPatience = 1024, time.Second

// unsubscribe ends the subscription of an activation.
func (a *activation) unsubscribe() {
	if a.sub == nil {
		return
	}
	var err error
	if h := a.host; h.nc.IsConnected() && h.mayDrain() {
		a.sub.SetClosedHandler(func(string) { h.drained() })
		if err = a.sub.Drain(); err != nil {
			h.drained()
		}
	} else {
		err = a.sub.Unsubscribe()
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		a.logger("").Warn("unsubscribing failed", slog.Any("error", err))
	}
}

func (h *Host) mayDrain() bool {
	select {
	case h.drains <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(drainPatience)
	defer timer.Stop()
	select {
	case h.drains <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

// drained may be told twice by a connection that is closed meanwhile.
func (h *Host) drained() {
	select {
	case <-h.drains:
	default:
	}
}

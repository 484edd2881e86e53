package actorhost

import (
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// drains has one for each subscription of an activation that is being drained: what the server has sent before it hears
// that an actor does not listen any more still arrives, and goes to the activation that follows. nats.go sees to that with
// a goroutine, and a question to the server, for each subscription; and each answer takes as long as there are questions.
// So there are at most maxDrains at a time. Where one more would have to wait for longer than drainPatience, because the
// server does not answer, what it has sent is given up: its callers send it again.
type drains chan struct{}

const maxDrains, drainPatience = 1024, time.Second

// begin takes a place for one more, and reports whether there is one in time.
func (d drains) begin() bool {
	select {
	case d <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(drainPatience)
	defer timer.Stop()
	select {
	case d <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

// end gives a place back. It may be told twice by a connection that is closed meanwhile.
func (d drains) end() {
	select {
	case <-d:
	default:
	}
}

// unsubscribe ends the subscription of an activation.
func (a *activation) unsubscribe() {
	if a.sub == nil {
		return
	}
	var err error
	if a.host.nc.IsConnected() && a.host.drains.begin() {
		a.sub.SetClosedHandler(func(string) { a.host.drains.end() })
		if err = a.sub.Drain(); err != nil {
			a.host.drains.end()
		}
	} else {
		err = a.sub.Unsubscribe()
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		a.logger("").Warn("unsubscribing failed", slog.Any("error", err))
	}
}

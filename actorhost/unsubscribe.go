package actorhost

import (
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"
)

// unsubscribe ends the activation's subscription to calls.
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

package actorhost

import (
	"log/slog"

	"github.com/troupe-go/troupe/internal/store"
)

// logger returns the host's logger with the actor, and the request if any, in its fields.
func (a *activation) logger(requestID string) *slog.Logger {
	return a.describe(a.host.config.Logger, requestID)
}

// lastingLogger is logger also once the connection is closed.
func (a *activation) lastingLogger(requestID string) *slog.Logger {
	return a.describe(a.host.ownLog, requestID)
}

// actorLogger is logger for what the actor's own code says.
func (a *activation) actorLogger(requestID string) *slog.Logger {
	return a.describe(a.host.actorLog, requestID)
}

func (a *activation) describe(logger *slog.Logger, requestID string) *slog.Logger {
	logger = logger.With(slog.String("actor_type", a.id.Type()),
		slog.String("actor_key", a.id.KeyString()), slog.String("host", a.session.ID))
	if requestID != "" {
		logger = logger.With(slog.String("request_id", requestID))
	}
	return logger
}

// failed logs a fault.
func (a *activation) failed(what string, err error) {
	a.host.faults.Failed(what, store.Cause(err), err, slog.String("actor_type", a.id.Type()),
		slog.String("actor_key", a.id.KeyString()), slog.String("host", a.session.ID))
}

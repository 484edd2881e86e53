package actorhost

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/version"
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

// logStart says that the host takes calls, and all that tells it from others.
func (h *Host) logStart() {
	h.config.Logger.LogAttrs(context.Background(), slog.LevelInfo, "the host takes calls",
		slog.String("host", h.ID()), slog.String("name", h.config.Name), slog.String("namespace", h.ns.Name()),
		slog.String("version", cmp.Or(version.Program(), "unknown")), slog.String("program", h.presence.Program),
		slog.String("types", shorten(strings.Join(h.typeNames, ","))), slog.String("server", h.nc.ConnectedServerName()),
		slog.Duration("lease", h.config.Lease))
}

// logStop says that the host has stopped. Its connection may be closed.
func (h *Host) logStop(began time.Time) {
	about := []slog.Attr{
		slog.String("host", h.ID()), slog.String("name", h.config.Name), slog.Duration("took", time.Since(began).Round(time.Millisecond)),
	}
	level := slog.LevelInfo
	if h.stopErr != nil {
		level, about = slog.LevelWarn, append(about, slog.Any("error", h.stopErr))
	}
	h.config.Logger.LogAttrs(context.Background(), level, "the host has stopped", about...)
}

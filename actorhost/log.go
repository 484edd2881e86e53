package actorhost

import "log/slog"

// logger tells of an actor.
func (a *activation) logger(requestID string) *slog.Logger {
	logger := a.host.config.Logger.With(slog.String("actor_type", a.kind.name),
		slog.String("actor_key", a.id.KeyString()), slog.String("host", a.session.ID))
	if requestID != "" {
		logger = logger.With(slog.String("request_id", requestID))
	}
	return logger
}

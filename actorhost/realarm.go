package actorhost

import (
	"context"
	"log/slog"

	"github.com/troupe-go/troupe/internal/store"
)

// alarmLost is the argument of a dueWork: the alarm of the actor may be gone.
type alarmLost struct{}

// setAlarmsAgain sets the alarms of all actors again, because their stream, or the records, are not what they were: those of
// awake actors each by its host, and those of all others by one host for all.
func (h *Host) setAlarmsAgain(ctx context.Context) {
	for _, a := range h.roster.all() {
		if a.offer(&work{kind: dueWork, arg: alarmLost{}}) == mustRun {
			h.ready.Add(a)
		}
	}
	if err := h.alarms.BeginRebuild(ctx); err != nil {
		return // another host does, there are none, or they are gone again
	}
	h.goroutines.Go(func() {
		set, err := store.RebuildAlarms(h.ctx, h.records, h.alarms)
		if err != nil {
			h.config.Logger.Error("setting the alarms of actors again failed: troupe doctor can", slog.Any("error", err))
			return
		}
		h.config.Logger.Info("the alarms of actors were set again", slog.Int("set", set))
	})
}

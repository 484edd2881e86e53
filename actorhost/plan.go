package actorhost

import (
	"math"
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/record"
)

// reschedule takes what a turn has done to schedules.
func (a *activation) reschedule(s *scheduleEffects) {
	a.changeVolatile(s.volatile...)
	a.plan()
}

func (a *activation) changeVolatile(changes ...record.Change) {
	if a.volatile == nil && len(changes) > 0 {
		a.volatile = new(record.Parts)
	}
	for _, c := range changes {
		c.Apply(a.volatile)
	}
}

// plan has the agenda call for what is due next.
func (a *activation) plan() {
	if a.inDue { // which plans at its end
		return
	}
	var first int64
	a.gate.Read(func(p *record.Parts) { first = p.Schedules().First() })
	if first != 0 && first < a.host.alarms.Now().Add(a.kind.config.SleepAfter).UnixMilli() {
		a.keepAwake() // to sleep and to wake again costs more
	}
	if volatile := a.volatile.Schedules().First(); volatile != 0 && (first == 0 || volatile < first) {
		first = volatile
	}
	switch {
	case first != 0:
		a.planned = true
		a.host.agenda.Set(a, time.UnixMilli(first))
	case a.planned:
		a.planned = false
		a.host.agenda.Remove(a)
	}
}

// setAlarmAgain sets the alarm of the actor again, if it has scheduled anything.
func (a *activation) setAlarmAgain() {
	if parts := a.gate.Rang(record.Alarm{Sequence: math.MaxUint64}); parts != nil && a.cannotWrite(turn{}) == nil {
		a.gate.Pass(&commit.Output{}, &commit.Changes{Parts: parts})
	}
}

package actorhost

import (
	"time"

	"github.com/troupe-go/troupe/internal/record"
)

// reschedule takes what a turn has done to schedules.
func (a *activation) reschedule(s *scheduleEffects) {
	for _, c := range s.volatile {
		c.Apply(&a.volatile)
	}
	a.plan()
}

// plan has the agenda call for what is due next.
func (a *activation) plan() {
	if a.inDue { // which plans at its end
		return
	}
	first := a.volatile.Schedules().First()
	a.gate.Read(func(p *record.Parts) {
		if stored := p.Schedules().First(); stored != 0 && (first == 0 || stored < first) {
			first = stored
		}
	})
	switch {
	case first != 0:
		a.planned = true
		a.host.agenda.Set(a, time.UnixMilli(first))
	case a.planned:
		a.planned = false
		a.host.agenda.Remove(a)
	}
}

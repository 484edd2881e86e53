package commit

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// The alarm of an actor stands before the record names what it rings for: a host that dies in between leaves an alarm too many,
// and nothing that nobody wakes for. Only what is due earlier than all that was known needs that. What is due later, or no more,
// costs no message: the alarm rings all the same, and is set again then.

const (
	// alarmMargin is how far off an alarm is that has certainly not rung: clocks are not the same.
	alarmMargin = store.AlarmLead + time.Second
	// alarmLost is how long after its time an alarm that this activation has set, and that nobody has heard, counts as lost.
	alarmLost = 30 * time.Second
)

// alarm is one that is to be set.
type alarm struct {
	at    int64
	known record.Alarm // the last one
}

// lacksAlarm returns the alarm that must be set before the record is written, or nil. The caller holds g.mu.
func (g *Gate) lacksAlarm() *alarm {
	s := g.parts.Schedules()
	first := s.First()
	if first == 0 {
		return nil
	}
	wanted, now := &alarm{at: first}, g.host.Alarms.Now().UnixMilli()
	switch last := s.Alarm; {
	case last.At == 0:
		return wanted
	case g.alarmed+alarmLost.Milliseconds() > now, last.At > now+alarmMargin.Milliseconds(): // it is yet to ring
		if last.At <= first {
			return nil
		}
		wanted.known = last
	}
	return wanted
}

// setAlarm sets an alarm, and then has the record written.
func (g *Gate) setAlarm(wanted *alarm) {
	faults.At(faults.BeforeAlarm)
	g.mu.Lock()
	rang := g.rang
	g.mu.Unlock()
	g.host.Alarms.Set(g.host.Ctx, g.actor.ID(), wanted.at, wanted.known, rang, g.host.Go, func(stands record.Alarm, err error) {
		if err != nil {
			g.failed(alarming, err)
			err = notAlarmed(err)
			g.close(err, err)
			return
		}
		g.host.Faults.Works(alarming)
		g.mu.Lock()
		g.hasAlarm(stands, rang)
		g.asked = false
		ask := g.ask()
		g.moved.broadcast()
		g.mu.Unlock()
		g.write(ask)
	})
}

// hasAlarm takes the alarm that stands, as it was set, or seen, since the ring before. With a ring the server removes all alarms of the
// actor, also one that was set after that which rings: if one was heard meanwhile, nothing older stands. The caller holds g.mu.
func (g *Gate) hasAlarm(stands, before record.Alarm) {
	if g.rang != before && stands.Sequence < g.rang.Sequence {
		return
	}
	if s := g.parts.Schedules(); s != nil {
		s.Alarm, g.alarmed = stands, max(stands.At, g.host.Alarms.Now().UnixMilli())
	}
}

// setAlarmLate sets an alarm when the record is stored, as the harness of package chaos wants it, to see whether it notices.
func (g *Gate) setAlarmLate() {
	g.mu.Lock()
	wanted, rang := g.lacksAlarm(), g.rang
	g.mu.Unlock()
	if wanted == nil {
		return
	}
	g.host.Alarms.Set(g.host.Ctx, g.actor.ID(), wanted.at, wanted.known, rang, g.host.Go, func(stands record.Alarm, err error) {
		if err == nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.hasAlarm(stands, rang)
		}
	})
}

// notAlarmed is why nothing is stored, whatever has become of the alarm.
func notAlarmed(err error) error {
	if isUnknown(err) {
		return fmt.Errorf("its alarm could not be set: %v", err) //nolint:errorlint // that of the call is known
	}
	return fmt.Errorf("its alarm could not be set: %w", err)
}

// Rang returns what is to be changed because an alarm has rung. It is told the time for which that was, if it is known, and the
// sequence of the ring. Nothing is, if one that this activation has set after that stands. Else it is looked up which one does, if
// any, with the next that is to be set: what has rung may have been set by somebody else, for earlier than the record says.
func (g *Gate) Rang(rang record.Alarm) []record.Change {
	g.mu.Lock()
	defer g.mu.Unlock()
	if rang.At != 0 {
		g.rang = rang
	}
	switch s := g.parts.Schedules(); {
	case s == nil, g.alarmed != 0 && s.Alarm.Sequence > rang.Sequence && g.lacksAlarm() == nil:
		return nil
	case s.First() == 0: // and whatever comes next is stored anyway
		s.Alarm = record.Alarm{}
		return nil
	}
	return []record.Change{record.Rang{}}
}

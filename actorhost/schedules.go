package actorhost

import (
	"cmp"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// lookUp returns the schedule of a name, as the running turn sees it. The caller holds c.mu.
func (c *Context) lookUp(name string) pendingSchedule {
	if c.effects != nil && c.effects.schedules != nil {
		if p, ok := c.effects.schedules.pending[name]; ok {
			return p
		}
	}
	if one := c.a.volatile.Schedules().Find(name); one != nil {
		return pendingSchedule{one: one, volatile: true}
	}
	var found *record.Scheduled
	c.a.gate.Read(func(p *record.Parts) {
		if one := p.Schedules().Find(name); one != nil {
			copied := *one
			found = &copied
		}
	})
	return pendingSchedule{one: found}
}

// schedulesToFill returns what the turn does to schedules. The caller holds c.mu.
func (c *Context) schedulesToFill() *scheduleEffects {
	e := c.effectsToFill()
	if e.schedules == nil {
		e.schedules = &scheduleEffects{pending: make(map[string]pendingSchedule, 1), count: c.a.volatile.Schedules().Len()}
		c.a.gate.Read(func(p *record.Parts) {
			for range p.Schedules().Own() {
				e.schedules.count++
			}
			e.schedules.bytes = p.Schedules().Bytes()
		})
	}
	return e.schedules
}

// replace notes what is to be under a name. The caller holds c.mu.
func (c *Context) replace(name string, next pendingSchedule, changes ...record.Change) {
	was, s := c.lookUp(name), c.schedulesToFill()
	if was.one != nil {
		s.count--
		if !was.volatile {
			s.bytes -= was.one.Size()
		}
		if was.volatile && !next.volatile {
			s.volatile = append(s.volatile, record.RemoveSchedule{Name: name, Ran: true})
		}
		if !was.volatile && next.volatile {
			c.effects.changes = append(c.effects.changes, record.RemoveSchedule{Name: name, Ran: true})
		}
	}
	if next.one != nil {
		s.count++
		if !next.volatile {
			s.bytes += next.one.Size()
		}
	}
	s.pending[name] = next
	if next.volatile {
		s.volatile = append(withoutPut(s.volatile, name), changes...)
	} else {
		c.effects.changes = append(withoutPut(c.effects.changes, name), changes...)
	}
}

// withoutPut leaves out what the turn has made before of a schedule that it replaces: it takes no room.
func withoutPut(changes []record.Change, name string) []record.Change {
	return slices.DeleteFunc(changes, func(c record.Change) bool {
		put, ok := c.(record.PutSchedule)
		return ok && put.Name == name
	})
}

// putSchedule makes a schedule, if the actor has room for it.
func (c *Context) putSchedule(one record.Scheduled, volatile bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errTurnOver
	}
	s, was := c.schedulesToFill(), c.lookUp(one.Name)
	count, bytes := s.count, s.bytes
	if was.one == nil {
		count++
	} else if !was.volatile {
		bytes -= was.one.Size()
	}
	switch {
	case count > troupe.MaxSchedules:
		return errs.New(troupe.CodeTooLarge, "%s has %d schedules, which is the most", c.a.id, troupe.MaxSchedules)
	case !volatile && bytes+one.Size() > troupe.MaxScheduleBytes:
		return errs.New(troupe.CodeTooLarge, "the schedules of %s would take %d bytes, at most %d are kept",
			c.a.id, bytes+one.Size(), troupe.MaxScheduleBytes)
	}
	c.replace(one.Name, pendingSchedule{one: &one, volatile: volatile}, record.PutSchedule{Scheduled: one})
	return nil
}

// Unschedule implements [troupe.Scheduler] for the running actor. A schedule that runs just now is not there any more, unless it
// recurs.
func (c *Context) Unschedule(name string) (found bool, err error) {
	if err := c.refusedTo("unschedule", name); err != nil {
		return false, err
	}
	if record.IsInternal(name) {
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false, errTurnOver
	}
	was := c.lookUp(name)
	parked := false
	if !was.unparked {
		c.a.gate.Read(func(p *record.Parts) { parked = p.Schedules().FindParked(name) != nil })
	}
	if found = was.one != nil || parked; found {
		c.replace(name, pendingSchedule{volatile: was.volatile && !parked, unparked: true}, record.RemoveSchedule{Name: name})
	}
	return found, nil
}

// Schedules implements [troupe.Scheduler] for the running actor.
func (c *Context) Schedules() ([]troupe.Schedule, error) {
	listed, err := c.listSchedules()
	if err != nil {
		return nil, err
	}
	all := make([]troupe.Schedule, len(listed))
	for i := range listed {
		all[i] = listed[i].Schedule()
	}
	return all, nil
}

func (c *Context) listSchedules() (listed []troupe.ScheduleMessage, err error) {
	if err := c.refusedBeside("its schedules"); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, errTurnOver
	}
	listed = []troupe.ScheduleMessage{} // on the wire a list is never nil
	var pending map[string]pendingSchedule
	if c.effects != nil && c.effects.schedules != nil {
		pending = c.effects.schedules.pending
	}
	add := func(one *record.Scheduled, volatile bool) {
		if _, replaced := pending[one.Name]; !replaced {
			listed = append(listed, scheduleMessage(one, volatile))
		}
	}
	var parked []troupe.ScheduleMessage
	c.a.gate.Read(func(p *record.Parts) {
		for one := range p.Schedules().Own() {
			add(one, false)
		}
		for _, one := range p.Schedules().Parked() {
			if !pending[one.Run.Name].unparked {
				parked = append(parked, parkedMessage(&one))
			}
		}
	})
	for one := range c.a.volatile.Schedules().Own() {
		add(one, true)
	}
	for _, p := range pending {
		if p.one != nil {
			listed = append(listed, scheduleMessage(p.one, p.volatile))
		}
	}
	slices.SortStableFunc(listed, func(a, b troupe.ScheduleMessage) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Name, b.Name))
	})
	return append(listed, parked...), nil
}

// schedulesOf lists what a record has scheduled.
func schedulesOf(s *record.Schedules) []troupe.ScheduleMessage {
	listed := []troupe.ScheduleMessage{}
	for one := range s.Own() {
		listed = append(listed, scheduleMessage(one, false))
	}
	for _, one := range s.Parked() {
		listed = append(listed, parkedMessage(&one))
	}
	return listed
}

func scheduleMessage(one *record.Scheduled, volatile bool) troupe.ScheduleMessage {
	var input any
	if len(one.Input) > 0 {
		_ = codec.MsgPack.Unmarshal(one.Input, &input) // it was encoded by this program, or another one's
	}
	return troupe.ScheduleMessage{
		Name: one.Name, Action: one.Action, Input: input, At: one.At(), Every: one.Every, Cron: one.Cron, Zone: one.Zone,
		Missed: troupe.MissedPolicy(one.Policy), Volatile: volatile, Attempts: one.Attempts, Error: one.Error,
	}
}

func parkedMessage(one *record.Parked) troupe.ScheduleMessage {
	m := scheduleMessage(&one.Run, false)
	m.At, m.Parked, m.Times = one.Run.Due, true, one.Count
	return m
}

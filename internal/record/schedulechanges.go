package record

// PutSchedule is the change of a turn that makes a schedule, replaces the one with its name, or moves it on.
type PutSchedule struct{ Scheduled }

// Size implements [Change]: by how much it is larger than the one that it replaces.
func (c PutSchedule) Size(p *Parts) int64 {
	if was := p.Schedules().Find(c.Name); was != nil {
		return c.Scheduled.Size() - was.Size()
	}
	return c.Scheduled.Size()
}

// Shared implements [Change]: whether it must be is a matter of the alarm.
func (PutSchedule) Shared() bool { return false }

// Apply implements [Change].
func (c PutSchedule) Apply(p *Parts) { own[*Schedules](p, &schedulesPart).put(c.Scheduled) }

// RemoveSchedule is the change of a turn that removes a schedule and, unless it has run, what is parked under its name.
type RemoveSchedule struct {
	Name string
	Ran  bool
}

// Size implements [Change].
func (RemoveSchedule) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (RemoveSchedule) Shared() bool { return false }

// Apply implements [Change].
func (c RemoveSchedule) Apply(p *Parts) {
	if s := p.Schedules(); s != nil {
		s.remove(c.Name)
		if !c.Ran {
			s.unpark(c.Name)
		}
	}
}

// Park is the change of a turn that gives a run up.
type Park struct{ Scheduled }

// Size implements [Change].
func (c Park) Size(*Parts) int64 { return parkedSize(&c.Scheduled) }

// Shared implements [Change].
func (Park) Shared() bool { return false }

// Apply implements [Change].
func (c Park) Apply(p *Parts) { own[*Schedules](p, &schedulesPart).park(c.Scheduled) }

// Unpark is the change of a turn that removes a parked run, because it is tried again.
type Unpark struct{ Name string }

// Size implements [Change].
func (Unpark) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (Unpark) Shared() bool { return false }

// Apply implements [Change].
func (c Unpark) Apply(p *Parts) {
	if s := p.Schedules(); s != nil {
		s.unpark(c.Name)
	}
}

// Rang is the change that an alarm has rung: which one stands is not known any more.
type Rang struct{}

// Size implements [Change].
func (Rang) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (Rang) Shared() bool { return false }

// Apply implements [Change].
func (Rang) Apply(p *Parts) {
	if s := p.Schedules(); s != nil {
		s.Alarm = Alarm{}
	}
}
